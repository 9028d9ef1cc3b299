"""What Hummingbot's own models store of a number is what `as_stored` says, read from a file that they wrote."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from acme_bot.compare.bot_records import Records, as_stored
from acme_bot.compare.statement import Fill, Funding, Order, OrderState, Statement
from hummingbot.core.data_type.common import PositionAction
from hummingbot.core.data_type.trade_fee import AddedToCostTradeFee, TokenAmount
from hummingbot.model import get_declarative_base
from hummingbot.model.funding_payment import FundingPayment
from hummingbot.model.order import Order as OrderRow
from hummingbot.model.order_status import OrderStatus
from hummingbot.model.trade_fill import TradeFill

COMMON = {"config_file_path": "demo.yml", "market": "acme_perpetual", "symbol": "BTC-USD"}
TRADE = {**COMMON, "strategy": "perpetual_market_making", "base_asset": "BTC", "quote_asset": "USD"}
BUY, SELL = "HBOTBBTUD1", "HBOTSBTUD2"


@pytest.fixture
def session(tmp_path):
    (tmp_path / "data").mkdir()
    engine = create_engine(f"sqlite:///{tmp_path / 'data' / 'demo.sqlite'}")
    get_declarative_base().metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def records(tmp_path) -> Records:
    return Records(tmp_path, "demo.yml", "acme_perpetual")


def order_row(client_id: str, statuses: list[str], price="60000.0000015", amount="0.0010009") -> OrderRow:
    return OrderRow(
        **TRADE,
        id=client_id,
        creation_timestamp=1,
        order_type="LIMIT",
        amount=Decimal(amount),
        price=Decimal(price),
        last_status=statuses[-1],
        last_update_timestamp=2,
        exchange_order_id="7",
        position=PositionAction.OPEN.value,
        status=[OrderStatus(timestamp=1, status=status) for status in statuses],
    )


def fill_row(fill: Fill) -> TradeFill:
    fee = AddedToCostTradeFee(flat_fees=[TokenAmount("USD", fill.fee)])
    return TradeFill(
        **TRADE,
        timestamp=1,
        order_id=fill.order_id,
        trade_type=fill.side.upper(),
        order_type="LIMIT",
        price=fill.price,
        amount=fill.amount,
        trade_fee=fee.to_json(),
        trade_fee_in_quote=fill.fee,
        exchange_trade_id=fill.id,
        position=PositionAction.OPEN.value,
    )


def test_before_the_first_start_there_are_no_records(records):
    assert records.statement() == Statement()


def test_a_market_order_has_no_price_whatever_hummingbot_guessed(session, records):
    row = order_row(BUY, ["BuyOrderCreated"])
    row.order_type = "MARKET"
    session.add(row)
    session.commit()

    assert records.statement().orders[BUY].price == 0


@pytest.mark.parametrize(
    "statuses, state",
    [
        (["BuyOrderCreated"], OrderState.OPEN),
        (["BuyOrderCreated", "OrderFilled"], OrderState.OPEN),
        (["BuyOrderCreated", "OrderFilled", "BuyOrderCompleted"], OrderState.FILLED),
        (["BuyOrderCreated", "OrderFilled", "OrderCancelled"], OrderState.CANCELLED),
        (["BuyOrderCreated", "OrderFailure"], OrderState.FAILED),
    ],
)
def test_an_order_is_in_the_state_of_its_last_event(session, records, statuses, state):
    session.add(order_row(BUY, statuses))
    session.commit()

    assert records.statement().orders == {BUY: Order(BUY, "buy", Decimal("60000.000001"), Decimal("0.001"), state)}


def test_an_order_has_the_side_of_its_creation(session, records):
    session.add_all([order_row(BUY, ["BuyOrderCreated"]), order_row(SELL, ["SellOrderCreated", "OrderCancelled"])])
    session.commit()

    assert {client_id: order.side for client_id, order in records.statement().orders.items()} == {
        BUY: "buy",
        SELL: "sell",
    }


def test_prices_and_amounts_lose_what_is_under_a_millionth_and_fees_lose_nothing(session, records):
    exact = Fill("11", SELL, "sell", Decimal("0.0000255"), Decimal("123.4567899"), Decimal("-0.00000000000000000012"))
    session.add(fill_row(exact))
    session.commit()

    stored = records.fills()["11"]

    assert stored == Fill("11", SELL, "sell", Decimal("0.000025"), Decimal("123.456789"), exact.fee)
    assert as_stored(Statement(fills={"11": exact})).fills["11"] == stored


def test_a_fee_in_percent_is_of_the_volume(session, records):
    row = fill_row(Fill("11", BUY, "buy", Decimal(60000), Decimal("0.01"), Decimal(0)))
    row.trade_fee = AddedToCostTradeFee(percent=Decimal("0.0002")).to_json()
    session.add(row)
    session.commit()

    assert records.fills()["11"].fee == Decimal("0.12")


decimals = strategies.decimals(min_value=0, max_value=10**9, allow_nan=False, places=12)


@given(price=decimals, amount=decimals)
def test_any_price_and_amount_is_stored_as_said(price, amount):
    """Hummingbot's column type itself says what it stores."""
    column = TradeFill.__table__.columns["price"].type
    exact = Fill("1", BUY, "buy", price, amount, Decimal(0))

    kept = as_stored(Statement(fills={"1": exact})).fills["1"]

    for value, stored in ((price, kept.price), (amount, kept.amount)):
        assert column.process_result_value(column.process_bind_param(value, None), None) == stored


def test_funding_is_kept_as_doubles(session, records):
    exact = Funding(1767323040, Decimal("0.000012345678901234567890123"), Decimal("-0.123456789012345678901234567"))
    session.add(FundingPayment(**COMMON, timestamp=exact.time, rate=exact.rate, amount=float(exact.amount)))
    session.commit()

    stored = records.statement().funding

    assert stored == as_stored(Statement(funding=[exact])).funding
    assert stored == [Funding(1767323040, Decimal("0.000012345678901234568"), Decimal("-0.12345678901234568"))]
