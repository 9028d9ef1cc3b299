"""What someone knows of the venue who only hears its events."""

from collections import defaultdict
from decimal import Decimal

from acme_exchange.engine import (
    BalanceChanged,
    BookChanged,
    Event,
    Filled,
    OrderChanged,
    PositionChanged,
    TickerChanged,
    views,
)
from acme_exchange.engine.model.accounts import HOUSE_ACCOUNTS


class Mirror:
    """Orders, fills, books, tickers, positions and balances, as told; each event is checked as it comes."""

    def __init__(self) -> None:
        self.orders: dict[int, views.Order] = {}
        self.filled: dict[int, Decimal] = defaultdict(Decimal)
        self.unpaired: dict[int, Filled] = {}
        self.books: dict[str, tuple[dict, dict]] = defaultdict(lambda: ({}, {}))
        self.tickers: dict[str, TickerChanged] = {}
        self.positions: dict[tuple[str, str, str], Decimal] = {}
        self.balances: dict[str, views.Balance] = {}

    def hear(self, events: list[Event]) -> None:
        """Takes in what one command caused."""
        for event in events:
            match event:
                case OrderChanged():
                    self.hear_order(event.order)
                case Filled():
                    self.hear_fill(event)
                case BookChanged():
                    for levels, changes in zip(self.books[event.market], (event.bids, event.asks)):
                        levels.update(changes)
                        for price in [price for price, size in levels.items() if not size]:
                            del levels[price]
                case TickerChanged():
                    self.tickers[event.market] = event
                case PositionChanged(position=position):
                    self.positions[position.account, position.market, position.position_side] = position.net_size
                case BalanceChanged():
                    self.balances[event.account] = event.balance
        assert not self.unpaired, "a fill without its twin"

    def hear_order(self, order: views.Order) -> None:
        known = self.orders.get(order.id)
        assert (order.status == "new") == (known is None), "an order is new once, and first"
        assert 0 <= order.filled_size <= order.size
        assert order.filled_size == self.filled[order.id]
        if order.status == "closed":
            assert order.remaining_size == 0
            del self.orders[order.id], self.filled[order.id]
        else:
            assert order.remaining_size == order.size - order.filled_size > 0
            self.orders[order.id] = order

    def hear_fill(self, fill: Filled) -> None:
        if fill.account not in HOUSE_ACCOUNTS:
            assert self.orders[fill.order_id].client_id == fill.client_id
            self.filled[fill.order_id] += fill.size
        twin = self.unpaired.pop(fill.trade_id, None)
        if twin is None:
            assert fill.liquidity == "maker"
            self.unpaired[fill.trade_id] = fill
            return
        assert fill.liquidity == "taker"
        assert (fill.market, fill.price, fill.size) == (twin.market, twin.price, twin.size)
        assert {fill.side, twin.side} == {"buy", "sell"}
        assert fill.account != twin.account
