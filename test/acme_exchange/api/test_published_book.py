from decimal import Decimal

import pytest

from acme_exchange.api.published_book import PublishedBook, checksum
from acme_exchange.api.wire import codec, market_data
from test.acme_exchange.api import recordings
from test.acme_exchange.api.client_book import ClientBook


def levels(*pairs: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(size)) for price, size in pairs]


def ladder(start: int, step: int, count: int) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(start + step * rank), Decimal(1)) for rank in range(count)]


def as_client_reads(frame) -> dict:
    return codec.decode(codec.encode(market_data.book_frame(frame)))


def test_every_recorded_book_frame_has_the_checksum_that_the_venue_computes():
    books: dict[str, ClientBook] = {}
    checked = 0
    for frame in recordings.frames("received"):
        if frame["channel"] == "orderbook" and "data" in frame:
            book = books.setdefault(frame["market"], ClientBook())
            book.take(frame["data"])
            assert checksum(*book.levels) == frame["data"]["checksum"], frame["market"]
            checked += 1
    assert checked == 971


def test_the_frames_published_from_recorded_books_lead_a_client_through_the_same_states():
    recorded: dict[str, ClientBook] = {}
    clients: dict[str, ClientBook] = {}
    published: dict[str, PublishedBook] = {}
    for frame in recordings.frames("received"):
        if frame["channel"] != "orderbook" or "data" not in frame:
            continue
        market = frame["market"]
        recorded.setdefault(market, ClientBook()).take(frame["data"])
        if market not in published:
            published[market] = PublishedBook(*recorded[market].levels)
            made = published[market].partial(time=0.0)
        else:
            made = published[market].update(*recorded[market].levels, time=0.0)
        client = clients.setdefault(market, ClientBook())
        if made is not None:
            client.take(as_client_reads(made))
            assert made.checksum == frame["data"]["checksum"]
        assert client.levels == recorded[market].levels


def test_a_level_that_enters_the_best_hundred_is_sent_and_one_that_is_pushed_out_is_gone():
    book, client = PublishedBook(ladder(1000, -1, 120), ladder(1001, 1, 120)), ClientBook()
    client.take(as_client_reads(book.partial(time=0.0)))
    assert [len(side) for side in client.levels] == [100, 100]

    better = [(Decimal("1000.5"), Decimal(2)), *ladder(1000, -1, 120)]
    frame = book.update(better, ladder(1001, 1, 120), time=1.0)
    assert (frame.bids, frame.asks) == (levels(("1000.5", "2"), ("901", "0")), [])
    client.take(as_client_reads(frame))
    assert client.levels == (better[:100], ladder(1001, 1, 100))

    frame = book.update(ladder(1000, -1, 120)[1:], ladder(1001, 1, 120), time=2.0)
    client.take(as_client_reads(frame))
    assert client.levels[0] == ladder(999, -1, 100)
    assert frame.checksum == client.checksum()


def test_a_change_below_the_best_hundred_is_no_frame():
    book = PublishedBook(ladder(1000, -1, 100) + levels(("5", "1")), [])
    assert book.update(ladder(1000, -1, 100) + levels(("5", "9")), [], time=0.0) is None


@pytest.mark.parametrize(
    ("price", "size"), [("0.000000500", "1.10"), ("5E-7", "1E+3"), ("32195.0", "0.0001"), ("1.30", "99000000")]
)
def test_numbers_are_summed_as_a_client_reads_them_however_many_zeros_they_end_in(price, size):
    frame = PublishedBook(levels((price, size)), levels((price, size))).partial(time=0.0)
    client = ClientBook()
    client.take(as_client_reads(frame))
    assert client.checksum() == frame.checksum
