"""What one language-model call used, by kind of token."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

__all__ = ["NOTHING", "Usage", "usage_of"]


class Usage(NamedTuple):
    """Tokens of one call. A part stands in its whole too: `cache_read` and `audio_input` in `input`, `reasoning` in
    `output`.

    Attributes:
        input: every input token, cached and audio ones included.
        output: every output token, reasoning and audio ones included.
        cache_read: of the input, read from the provider's cache.
        cache_write: of the input, written to the provider's cache.
        cache_write_1h: of `cache_write`, kept for an hour (Anthropic's `cache_creation.ephemeral_1h_input_tokens`).
        reasoning: of the output, not shown.
        audio_input: of the input.
        audio_output: of the output.
        tools: calls of tools that the provider runs and bills by the call (web searches).
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    tools: int = 0


NOTHING = Usage()
usage_of: Callable[[tuple[int, int, int, int, int, int, int, int, int]], Usage] = partial(tuple.__new__, Usage)
