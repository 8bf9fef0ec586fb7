"""Where a request body ends: counted bytes or chunks, decoded strictly (RFC 9112 sections 6 and 7.1)."""

from seawall.server.refusal import Refused

__all__ = ["Chunked", "Counted"]

_HEX = frozenset(b"0123456789abcdefABCDEF")
_MAX_LINE = 256  # a chunk size with its extensions, which are read over (RFC 9112 section 7.1.1)
_MAX_TRAILERS = 4096
_TEXT = bytes(byte for byte in range(256) if byte >= 0x20 and byte != 0x7F) + b"\t"


class Counted:
    """A body of known length.

    Attributes:
        done: whether all of it was taken.
        left: bytes still to come.
    """

    __slots__ = ("done", "left")

    def __init__(self, length: int) -> None:
        self.left = length
        self.done = False

    def take(self, data: bytes) -> tuple[bytes, int]:
        """Return the payload in `data` and how many bytes of `data` belong to this body."""
        size = len(data)
        if size < self.left:
            self.left -= size
            return data, size
        size, self.left, self.done = self.left, 0, True
        return (data if size == len(data) else data[:size]), size


class Chunked:
    """A chunked body; extensions and trailers are checked, bounded and dropped.

    Attributes:
        done: whether the last chunk and its trailers were taken.
        left: payload bytes of the current chunk still to come.
    """

    __slots__ = ("_ending", "_line", "_trailers", "done", "left")

    def __init__(self) -> None:
        self.left = 0
        self._ending = False  # the CR LF behind a payload is still to come
        self._line = b""  # beginning of a size or trailer line
        self._trailers = -1  # bytes of trailers so far, -1 before the last chunk
        self.done = False

    def take(self, data: bytes) -> tuple[bytes, int]:
        """Return the payload in `data` and how many bytes of `data` belong to this body.

        Raises:
            Refused: the framing is broken; where the body ends is unknown.
        """
        pieces: list[bytes] = []
        at, size = 0, len(data)
        while at < size and not self.done:
            if self.left:
                piece = data[at : at + self.left]
                pieces.append(piece)
                at += len(piece)
                self.left -= len(piece)
                self._ending = not self.left
            else:
                at = self._take_line(data, at)
        return (pieces[0] if len(pieces) == 1 else b"".join(pieces)), at

    def _take_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        if end < 0:
            self._line += data[at:]
            self._bound(len(self._line))
            if self._ending and self._line != b"\r":
                raise Refused(400, "a chunk is longer than its size says")
            return len(data)
        line = self._line + data[at:end]
        self._line = b""
        self._bound(len(line))
        if not line.endswith(b"\r"):
            raise Refused(400, "a line of the chunked body does not end with CR LF")
        line = line[:-1]
        if self._ending:
            if line:
                raise Refused(400, "a chunk is longer than its size says")
            self._ending = False
        elif self._trailers < 0:
            self._size(line)
        else:
            self._trailer(line)
        return end + 1

    def _bound(self, size: int) -> None:
        if size > (_MAX_LINE if self._trailers < 0 else _MAX_TRAILERS - self._trailers):
            raise Refused(400, "a line of the chunked body is too long")

    def _size(self, line: bytes) -> None:
        digits, semicolon, extension = line.partition(b";")
        digits = digits.rstrip(b" \t") if semicolon else digits
        # int() would take "+1", "0x1" and "1_0"; sixteen digits are a size nobody has
        if not digits or len(digits) > 15 or not _HEX.issuperset(digits) or extension.translate(None, _TEXT):
            raise Refused(400, "a chunk size must be hexadecimal digits")
        self.left = int(digits, 16)
        if not self.left:
            self._trailers = 0

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        self._trailers += len(line) + 2
        name, colon, _ = line.partition(b":")
        if not colon or not name or name.strip(b" \t") != name or line.translate(None, _TEXT):
            raise Refused(400, "a trailer is malformed")
