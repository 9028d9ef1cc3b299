"""Reads how long a client's WebSocket frame claims to be, so that one that is too long is refused before it has come
(RFC 6455 §5.2).

aiohttp looks at a message's size once it has all of it: a single frame that claims 2^40 bytes would fill the memory.
Nor does it count messages without any content, of which millions fit into what it lets wait.
"""

LARGEST_FRAME_BYTES = 64 * 1024
MOST_FRAGMENTS = 1_000
"""Of one message: fragments may be empty, and so no sum of bytes bounds them."""

_FINAL = 0x80
_MASKED = 0x80
_LENGTH_BYTES = {126: 2, 127: 8}


class FrameTooLarge(Exception):
    """A frame claims more than :data:`LARGEST_FRAME_BYTES`, or a message is in more than :data:`MOST_FRAGMENTS`."""


class FrameMeter:
    """Follows the heads of frames through a stream of bytes.

    :ivar waiting: messages that have ended, less those that somebody has counted off.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self._head = bytearray()
        self._left = 0
        self._fragments = 0

    def add(self, data: bytes) -> None:
        """Takes the next bytes of the stream.

        :raises FrameTooLarge: they begin a frame that is too large.
        """
        position = 0
        while position < len(data):
            if self._left:
                step = min(self._left, len(data) - position)
                self._left -= step
                position += step
            else:
                self._head.append(data[position])
                position += 1
                if not self._has_head():
                    continue
            if not self._left:
                self._end_frame()

    def _has_head(self) -> bool:
        """Whether the head is complete; what it claims is then what is left to come."""
        head = self._head
        if len(head) < 2:
            return False
        length, more = head[1] & 0x7F, _LENGTH_BYTES.get(head[1] & 0x7F, 0)
        if len(head) < 2 + more:
            return False
        if more:
            length = int.from_bytes(head[2 : 2 + more])
        if length > LARGEST_FRAME_BYTES:
            raise FrameTooLarge
        if len(head) < 2 + more + (4 if head[1] & _MASKED else 0):
            return False
        self._left = length
        return True

    def _end_frame(self) -> None:
        if self._head[0] & _FINAL:
            self.waiting += 1
            self._fragments = 0
        else:
            self._fragments += 1
            if self._fragments > MOST_FRAGMENTS:
                raise FrameTooLarge
        self._head.clear()
