"""Writes the heads of frames that a server sends, which are not masked (RFC 6455 §5.2)."""

from collections.abc import Iterable

_WHOLE_TEXT = 0x81
_SHORTEST_OF_TWO_BYTES = 126
_SHORTEST_OF_EIGHT_BYTES = 1 << 16


def text_frames(texts: Iterable[bytes]) -> bytes:
    """Each text in a frame of its own, as they go over the wire together: one call of the system sends them all."""
    return b"".join([part for text in texts for part in (_head(len(text)), text)])


def _head(length: int) -> bytes:
    if length < _SHORTEST_OF_TWO_BYTES:
        return bytes((_WHOLE_TEXT, length))
    if length < _SHORTEST_OF_EIGHT_BYTES:
        return bytes((_WHOLE_TEXT, 126)) + length.to_bytes(2)
    return bytes((_WHOLE_TEXT, 127)) + length.to_bytes(8)
