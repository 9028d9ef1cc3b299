"""Markets of the user's own."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from acme_exchange.engine import Engine
from acme_exchange.market import MarketFileError, MarketSimulation, load_markets

PEPE = {
    "name": "PEPE-PERP",
    "priceIncrement": "0.00000001",
    "sizeIncrement": 1000,
    "minProvideSize": 1000,
    "maxSize": 1e12 / 10,
    "startPrice": "0.00001",
    "volatility": 1.5,
}
GOLD = {
    "name": "GOLD-20271231",
    "priceIncrement": 0.1,
    "sizeIncrement": 0.01,
    "minProvideSize": 0.01,
    "maxSize": 100,
    "startPrice": 2650,
    "expiry": "2027-12-31T03:00:00Z",
    "enabled": False,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "markets.json"


def loaded(file: Path, *entries: object):
    file.write_text(json.dumps(entries))
    return load_markets(file)


def problems(file: Path, *entries: object) -> list[str]:
    """The lines of what is wrong, without the file's name."""
    with pytest.raises(MarketFileError) as raised:
        loaded(file, *entries)
    return [line.removeprefix(f"{file}, ") for line in str(raised.value).splitlines()]


def test_markets_are_as_the_file_says_to_the_last_digit(file):
    pepe, gold = loaded(file, PEPE, GOLD)
    assert (pepe.specification.name, pepe.specification.kind, pepe.specification.underlying) == (
        "PEPE-PERP",
        "perpetual",
        "PEPE",
    )
    assert pepe.specification.price_increment == Decimal("1e-8")
    assert (pepe.start_price, pepe.volatility, pepe.specification.enabled) == (Decimal("0.00001"), 1.5, True)
    assert (gold.specification.kind, gold.specification.expiry) == ("future", 1_830_222_000_000_000)
    assert (gold.specification.price_increment, gold.volatility) == (Decimal("0.1"), 1.0)
    assert not gold.specification.enabled


def test_they_can_be_simulated(file):
    names = {command.market for command in list(MarketSimulation(1, loaded(file, PEPE, GOLD)).commands(10**15))[:-1]}
    assert names == {"PEPE-PERP", "GOLD-20271231"}


def test_the_finest_increments_that_are_taken_can_be_simulated_and_traded_on(file):
    """Increments of 11 or 12 decimals were taken, and ended the venue at the first index."""
    fine = {"priceIncrement": "1e-10", "sizeIncrement": "1e-12", "minProvideSize": "1e-12", "maxSize": "1"}
    (market,) = loaded(file, {**PEPE, **fine})
    engine = Engine([market.specification])
    for now in (10**15, 10**15 + 10**5):
        for command in MarketSimulation(1, [market]).commands(now):
            engine.apply(command, now)
    assert engine.levels("PEPE-PERP", 1)[0]


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("name", "pepe-perp", "does not fit; write a name of its own"),
        ("name", "PEPE", "does not fit; write a name of its own"),
        ("priceIncrement", 0, "does not fit; write a number above 0"),
        (
            "priceIncrement",
            "1e-11",
            "does not fit; write a number above 0 and below 1000000000000 with at most 10 decimals",
        ),
        (
            "priceIncrement",
            "1e-12",
            "does not fit; write a number above 0 and below 1000000000000 with at most 10 decimals",
        ),
        (
            "priceIncrement",
            "1e-13",
            "does not fit; write a number above 0 and below 1000000000000 with at most 10 decimals",
        ),
        ("sizeIncrement", "much", "does not fit; write a number above 0"),
        ("sizeIncrement", None, "does not fit; write a number above 0"),
        ("minProvideSize", 1500, "1500 is no multiple of the size increment 1000; write a multiple"),
        (
            "maxSize",
            10**12,
            "does not fit; write a multiple of sizeIncrement, at least minProvideSize and below 1000000000000,",
        ),
        ("startPrice", 10**12, "does not fit; write US dollars, at least priceIncrement and below 1000000000000,"),
        ("maxSize", 100, "100 is no multiple of the size increment 1000; write a multiple"),
        ("startPrice", "1e-9", "write a decimal of at least the price increment 1E-8, not 1E-9; write US dollars"),
        ("volatility", 0, "does not fit; write a year's standard deviation"),
        ("volatility", 11, "does not fit; write a year's standard deviation"),
        ("enabled", "yes", "does not fit; write true or false"),
        (
            "expiry",
            "2027-12-31T03:00:00Z",
            "a dated future needs its expiry, and no other market may have one; write when",
        ),
        ("expiry", "soon", "does not fit; write when a dated future ends"),
        ("tickSize", 1, "is not known; the fields are name, priceIncrement"),
    ],
)
def test_a_field_that_does_not_fit_is_named_with_its_entry_and_the_fix(file, field, value, text):
    (line,) = problems(file, GOLD, {**PEPE, field: value})
    assert line.startswith(f'entry 2, field "{field}": {text}')


def test_everything_that_is_wrong_is_said_at_once(file):
    incomplete = {key: value for key, value in PEPE.items() if key != "startPrice"}
    lines = problems(file, {**incomplete, "enabled": 1}, {**GOLD, "expiry": None}, "PEPE-PERP", GOLD, GOLD)
    assert [line.partition(";")[0] for line in lines] == [
        'entry 1, field "startPrice": is missing',
        'entry 1, field "enabled": does not fit',
        'entry 2, field "expiry": a dated future needs its expiry, and no other market may have one',
        'entry 3, field "name": write an object with name, priceIncrement, sizeIncrement, minProvideSize, maxSize, '
        "priceBand, startPrice, volatility, enabled, expiry",
        'entry 5, field "name": GOLD-20271231 is already entry 4',
    ]


@pytest.mark.parametrize("changed", [{"startPrice": "0.00002"}, {"volatility": 1.0}])
def test_markets_of_one_underlying_begin_alike(file, changed):
    ((field, _value),) = changed.items()
    (line,) = problems(file, PEPE, {**PEPE, "name": "PEPE/USD", **changed})
    assert line.startswith(f'entry 2, field "{field}": markets of PEPE share one index; write {PEPE[field]}')


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"[{]", ", line 1: is not JSON"),
        (b"{}", ": write a JSON list of 1 to 2000 markets"),
        (b"[]", ": write a JSON list of 1 to 2000 markets"),
        (b"\xff", ": is not UTF-8 text"),
        (b"[" * 200_000, ": is nested too deeply, or has a number that is too long"),
        (b'{"a":' * 200_000, ": is nested too deeply, or has a number that is too long"),
        (b"[" + b"9" * 200_000 + b"]", ": is nested too deeply, or has a number that is too long"),
    ],
)
def test_what_is_no_list_of_markets_is_one_sentence(file, text, sentence):
    file.write_bytes(text)
    with pytest.raises(MarketFileError) as raised:
        load_markets(file)
    assert str(raised.value).startswith(f"{file}{sentence}")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(MarketFileError, match="cannot be read"):
        load_markets(tmp_path / "none.json")
