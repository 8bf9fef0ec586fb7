"""How many output tokens a cut stream has shown, counted without parsing it (semantics 8.1).

Three bytes of text are one token, and no event with text is less than one. English has about four bytes a token and
Chinese about three, so the count is rather high than low; it is never above what was reserved, which the meter sees to.
Reasoning that a provider does not show cannot be counted.
"""

from collections.abc import Mapping

from seawall.llm.seam import Operation

__all__ = ["AUDIO_BYTES", "MARKERS", "tally"]

_TOKEN = 3
# Bytes of sound for one token of speech: 32 kbit/s at 20 tokens a second, the leanest that is offered.
AUDIO_BYTES = 200

# What stands before the text of an event. A quote inside text is escaped, so none of these can be written by a model.
MARKERS: Mapping[Operation, tuple[bytes, ...]] = {
    "chat": (b'content":"', b'arguments":"', b'reasoning":"', b'refusal":"', b'transcript":"'),
    "completions": (b'"text":"',),
    "responses": (b'"delta":"',),
    "messages": (b'"text":"', b'"partial_json":"', b'"thinking":"'),
    "audio": (b'"delta":"',),
}


def tally(region: bytes, markers: tuple[bytes, ...]) -> int:
    """Return the tokens of the text in whole events.

    Args:
        region: whole events.
        markers: of the operation, from `MARKERS`.
    """
    if b'": "' in region:
        region = region.replace(b'": "', b'":"')
    tokens = 0
    for marker in markers:
        at = region.find(marker)
        while at >= 0:
            begin = at + len(marker)
            end = _closing(region, begin)
            tokens += -((begin - end) // _TOKEN)
            at = region.find(marker, end)
    return tokens


def _closing(region: bytes, begin: int) -> int:
    """Return where the text that begins there ends: at the first quote that is not escaped."""
    end = region.find(b'"', begin)
    while end > begin and region[end - 1] == 0x5C:
        slashes = end - len(region[begin:end].rstrip(b"\\")) - begin
        if slashes % 2 == 0:
            return end
        end = region.find(b'"', end + 1)
    return len(region) if end < 0 else end
