import asyncio

import pytest

from acme_exchange.api.outbox import TAKEN_BYTES, Outbox
from acme_exchange.store.progress import Progress, StoreFailed


async def out_of(outbox: Outbox) -> list[bytes]:
    """What comes out next, once it does."""
    ready = asyncio.Event()
    outbox.call(ready.set)
    await ready.wait()
    return outbox.take()


async def test_frames_come_out_in_order_and_nothing_after_the_end():
    outbox = Outbox(lambda: None, Progress())
    outbox.put(b"1")
    outbox.put(b"2")
    outbox.end()
    assert [await out_of(outbox) for _ in range(2)] == [[b"1", b"2"], []]


async def test_what_waits_comes_out_in_pieces():
    outbox = Outbox(lambda: None, Progress())
    for count in range(100):
        outbox.put(b"%d" % count * 1_000)
    outbox.end()
    pieces = []
    while taken := await out_of(outbox):
        pieces.append(taken)
    assert [frame for taken in pieces for frame in taken] == [b"%d" % count * 1_000 for count in range(100)]
    assert max(sum(map(len, taken)) for taken in pieces) < TAKEN_BYTES + 2_000


async def test_a_reader_waits_for_the_next_frame():
    outbox = Outbox(lambda: None, Progress())
    reader = asyncio.create_task(out_of(outbox))
    await asyncio.sleep(0)
    assert not reader.done()
    outbox.put(b"late")
    assert await reader == [b"late"]


async def test_a_reader_that_keeps_up_may_be_sent_any_amount():
    outbox = Outbox(lambda: None, Progress(), most_bytes=1_000)
    for count in range(1_000):
        outbox.put(b"%d" % count)
        assert await out_of(outbox) == [b"%d" % count]


async def test_one_that_does_not_is_given_up_once_and_what_waited_is_let_go():
    overflows = []
    outbox = Outbox(lambda: overflows.append(1), Progress(), most_bytes=1_000)
    for _ in range(100):
        outbox.put(b"x" * 100)
    outbox.end()
    assert overflows == [1]
    assert not await out_of(outbox)


async def test_empty_frames_do_not_escape_the_bound():
    overflows = []
    outbox = Outbox(lambda: overflows.append(1), Progress(), most_bytes=1_000)
    for _ in range(100):
        outbox.put(b"")
    assert overflows == [1]


async def test_a_frame_waits_until_what_it_may_tell_of_is_kept():
    progress = Progress()
    outbox = Outbox(lambda: None, progress)
    outbox.put(b"before")
    progress.recorded = 1
    outbox.put(b"of batch 1")
    progress.recorded = 2
    outbox.put(b"of batch 2")
    assert await out_of(outbox) == [b"before"]
    reader = asyncio.create_task(out_of(outbox))
    await asyncio.sleep(0)
    assert not reader.done()
    progress.keep(1)
    assert await reader == [b"of batch 1"]
    reader = asyncio.create_task(out_of(outbox))
    await asyncio.sleep(0)
    progress.fail(StoreFailed("the disk is full"))
    with pytest.raises(StoreFailed):
        await reader
