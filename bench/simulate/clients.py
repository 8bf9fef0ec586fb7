"""Who calls: at a rate whatever comes back, or in turn with a pause between; with retries of their own or without."""

import asyncio
from dataclasses import dataclass

from bench.simulate.world import Done, World

__all__ = ["CAREFUL", "NAIVE", "Habit", "closed_loop", "open_loop"]


@dataclass(frozen=True, slots=True)
class Habit:
    """What a client does about a failure.

    Attributes:
        attempts: how often it asks in all.
        pause: seconds between two, always the same: no jitter, no budget, no memory.
    """

    attempts: int = 1
    pause: float = 0.0


CAREFUL = Habit()
NAIVE = Habit(attempts=4, pause=0.1)


async def _call(world: World, habit: Habit) -> None:
    began = world.now
    done = await world.ask()
    for _ in range(habit.attempts - 1):
        if done.good:
            break
        await asyncio.sleep(habit.pause)
        done = await world.ask()
    world.done.append(Done(began, world.now - began, done.result, done.queue))


async def open_loop(world: World, rate: float, until: float, habit: Habit = CAREFUL) -> None:
    """Make calls at random moments, `rate` a second, until `until` seconds of the run; return when all have ended."""
    async with asyncio.TaskGroup() as group:
        while True:
            await asyncio.sleep(world.random.expovariate(rate))
            if world.now >= until:
                break
            group.create_task(_call(world, habit))


async def closed_loop(world: World, clients: int, think: float, until: float, habit: Habit = CAREFUL) -> None:
    """Let clients call in turn, each with a pause of `think` seconds on average, until `until` seconds of the run."""
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(_client(world, think, until, habit))


async def _client(world: World, think: float, until: float, habit: Habit) -> None:
    while True:
        await asyncio.sleep(world.random.expovariate(1 / think))
        if world.now >= until:
            return
        await _call(world, habit)
