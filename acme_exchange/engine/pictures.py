"""Turns the engine's state into the pictures that events carry and queries return."""

from decimal import ROUND_HALF_EVEN, Decimal

from acme_exchange.engine import views
from acme_exchange.engine.model.accounts import Account, Holding
from acme_exchange.engine.model.markets import Market
from acme_exchange.engine.model.money import ZERO, divide
from acme_exchange.engine.model.orders import DISPLAY
from acme_exchange.engine.rules.margin import MAINTENANCE, balance, initial_margin, standing

_ONE = Decimal(1)


def account_picture(account: Account) -> views.Account:
    """The account with its positions."""
    stands = standing(account)
    money = balance(account, stands)
    return views.Account(
        name=account.name,
        collateral=money.total,
        free_collateral=money.free,
        total_account_value=stands.equity,
        total_position_size=stands.notional,
        initial_margin_requirement=_initial_fraction(account),
        maintenance_margin_requirement=MAINTENANCE,
        margin_fraction=_fraction(stands.equity, stands.notional),
        open_margin_fraction=_fraction(stands.equity, stands.open_notional),
        liquidating=False,
        leverage=account.leverage,
        maker_fee=account.maker_fee,
        taker_fee=account.taker_fee,
        position_mode=account.mode,
        positions=tuple(positions_picture(account)),
    )


def positions_picture(account: Account) -> list[views.Position]:
    """Every position that ever was open."""
    return [position_picture(holding) for holding in account.holdings.values() if holding.traded]


def position_picture(holding: Holding) -> views.Position:
    """One position."""
    account, size, worth, unrealized = holding.account, holding.size, holding.worth(), holding.unrealized
    entry = divide(holding.cost, size, DISPLAY) if size else None
    return views.Position(
        account=account.name,
        market=holding.market.name,
        position_side=holding.side,
        side=_side(holding),
        size=size.copy_abs(),
        net_size=size,
        open_size=holding.open_size,
        long_order_size=holding.buys + _reducing_size(holding, "buy"),
        short_order_size=holding.sells + _reducing_size(holding, "sell"),
        cost=holding.cost,
        entry_price=entry,
        unrealized_profit=unrealized,
        realized_profit=holding.realized,
        initial_margin_requirement=_initial_fraction(account),
        maintenance_margin_requirement=MAINTENANCE,
        estimated_liquidation_price=_liquidation_price(holding) if size else None,
        collateral_used=initial_margin(worth.open_notional, account.leverage) + worth.order_loss,
        recent_average_open_price=entry,
        recent_break_even_price=divide(holding.cost - holding.recent, size, DISPLAY) if size else None,
        recent_profit=holding.recent + unrealized,
    )


def market_picture(market: Market, now: int) -> views.Market:
    """A market and its day."""
    specification = market.specification
    bid, ask, _, _, last = market.ticker
    hour, day, since_midnight = market.statistics.changes(now)
    return views.Market(
        name=market.name,
        kind=specification.kind,
        underlying=specification.underlying,
        enabled=market.enabled,
        price_increment=specification.price_increment,
        size_increment=specification.size_increment,
        min_provide_size=specification.min_provide_size,
        max_size=specification.max_size,
        last=last,
        bid=bid,
        ask=ask,
        price=market.price,
        mark=market.mark,
        index=market.index,
        open_interest=market.open_interest,
        volume_24h=market.statistics.volume(now),
        change_1h=hour,
        change_24h=day,
        change_day=since_midnight,
    )


def future_picture(market: Market, now: int) -> views.Future:
    """A future: its market, and its funding or expiry."""
    funding = market.funding
    return views.Future(
        market=market_picture(market, now),
        expired=market.expired,
        expiry=market.specification.expiry,
        next_funding_rate=funding.rate(now) if funding else None,
        next_funding_time=funding.next_time if funding else None,
    )


def _fraction(equity: Decimal, notional: Decimal) -> Decimal | None:
    return divide(equity, notional, DISPLAY) if notional else None


def _initial_fraction(account: Account) -> Decimal:
    return divide(_ONE, Decimal(account.leverage), DISPLAY, ROUND_HALF_EVEN)


def _side(holding: Holding) -> str:
    """What opened the position; a flat one's side is that of its kind, "buy" for a netted one."""
    if holding.size:
        return "buy" if holding.size > 0 else "sell"
    return "sell" if holding.side == "short" else "buy"


def _reducing_size(holding: Holding, side: str) -> Decimal:
    return sum((order.remaining for order in holding.reducing.values() if order.side == side), ZERO)


def _liquidation_price(holding: Holding) -> Decimal | None:
    """The mark at which the account would reach its maintenance margin, were all other markets to stand still."""
    account, mark = holding.account, holding.market.mark
    stands = standing(account)
    slack = stands.equity - MAINTENANCE * stands.notional
    slope = holding.size - MAINTENANCE * holding.size.copy_abs()
    price = mark - divide(slack, slope, DISPLAY)
    return price if price > 0 else None
