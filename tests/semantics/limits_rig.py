"""What the tests of limits stand on: a pipeline of one policy over an upstream that holds calls until told."""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

from seawall.contracts.call import Call, Run
from seawall.contracts.policy import Context, Proceed, Spec
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.pipeline.compose import compose
from seawall.testing import ScriptedSource

TARGET = Target("shop", "shop", "http", "shop.example", 80)


class Upstream:
    """Answers after `seconds`, or when `release`d; counts what is in flight."""

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self.held: list[asyncio.Future[Any]] = []
        self.calls: list[Call] = []
        self.times: list[float] = []
        self.in_flight = 0
        self.peak = 0
        self.make: Callable[[], Reply] = lambda: Reply(200, [], b"ok")

    async def __call__(self, call: Call) -> Reply:
        """Be called."""
        loop = asyncio.get_running_loop()
        self.calls.append(call)
        self.times.append(loop.time())
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            if self.seconds is None:
                future = loop.create_future()
                self.held.append(future)
                await future
            else:
                await asyncio.sleep(self.seconds)
            return self.make()
        finally:
            self.in_flight -= 1

    def release(self, number: int = 0, error: BaseException | None = None) -> None:
        """Let one held call answer, or fail."""
        future = self.held[number]
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def streaming() -> Reply:
    """Return a reply whose body still comes."""
    return Reply(200, [], ScriptedSource((b"a", b"b")), None, streamed=True)


class Rig:
    """Builds pipelines on the running loop; what they keep survives a second `build`."""

    def __init__(self, targets: tuple[Target, ...] = (TARGET,), options: Mapping[str, Any] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        now = self.loop.time
        self.clock = self.loop.clock()  # type: ignore[attr-defined]
        self.wheel = Wheel(self.clock, self.loop)
        self.now = now
        self.kept: dict[tuple[str, str, str], Any] = {}
        self.events: list[Any] = []
        self.targets = targets
        self.options = dict(options or {})
        self.random = random.Random(7)

    def keep(self, upstream: str, policy: str, scope: str, make: Callable[[], Any]) -> Any:
        """Keep, as the pipeline does."""
        key = (upstream, policy, scope)
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def context(self, route: str = "") -> Context:
        """Return a context of this rig."""
        return Context(
            "shop", route, self.targets, self.clock, self.wheel, self.loop, self.random.uniform, self.events.append,
            self.keep, self.options,
        )  # fmt: skip

    def stages(self, spec: Spec[Any], settings: object, route: str = "") -> list[Any]:
        """Return the stages of one policy."""
        return list(spec.build(spec.settings.model_validate(settings), self.context(route)))  # type: ignore[attr-defined]

    def build(self, spec: Spec[Any], settings: object, end: Proceed, route: str = "") -> Proceed:
        """Return the pipeline of one policy before `end`."""
        return compose(self.stages(spec, settings, route), end)

    def call(self, caller: str = "", left: float = 60.0, method: bytes = b"GET", **more: Any) -> Call:
        """Return a call that has `left` seconds."""
        more.setdefault("idempotent", method in (b"GET", b"HEAD"))
        target = more.pop("target", self.targets[0])
        now = self.now()
        return Call(method, b"/", [], target, Timeouts(), now + left, Run(now), caller=caller, upstream="shop", **more)


async def turns(count: int = 3) -> None:
    """Let the loop turn, without time passing."""
    for _ in range(count):
        await asyncio.sleep(0)
