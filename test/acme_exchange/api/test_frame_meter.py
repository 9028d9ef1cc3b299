import struct

import pytest

from acme_exchange.api.frame_meter import LARGEST_FRAME_BYTES, MOST_FRAGMENTS, FrameMeter, FrameTooLarge


def frame(payload: bytes, first: int = 0x81) -> bytes:
    mask = b"abcd"
    if len(payload) < 126:
        return struct.pack("!BB", first, 0x80 | len(payload)) + mask + payload
    if len(payload) < 1 << 16:
        return struct.pack("!BBH", first, 0xFE, len(payload)) + mask + payload
    return struct.pack("!BBQ", first, 0xFF, len(payload)) + mask + payload


@pytest.mark.parametrize("step", [1, 2, 7, 100_000])
def test_messages_are_counted_however_they_are_cut(step: int):
    stream = b"".join(frame(bytes(size)) for size in (0, 1, 125, 126, 1000, LARGEST_FRAME_BYTES))
    stream += frame(b"a", first=0x01) + frame(b"b", first=0x00) + frame(b"c", first=0x80) + frame(b"", first=0x89)
    meter = FrameMeter()
    for start in range(0, len(stream), step):
        meter.add(stream[start : start + step])
    assert meter.waiting == 8


def test_a_claim_is_refused_before_anything_of_it_has_come():
    with pytest.raises(FrameTooLarge):
        FrameMeter().add(struct.pack("!BBQ", 0x82, 0xFF, LARGEST_FRAME_BYTES + 1))


def test_fragments_without_an_end_are_refused():
    meter = FrameMeter()
    meter.add(frame(b"", first=0x01) * MOST_FRAGMENTS)
    with pytest.raises(FrameTooLarge):
        meter.add(frame(b"", first=0x00))
