"""A report: whose it is, and its tables, in the form in which they are printed and put on a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from acme_bot.report.figures import Curve, MarketProfit, curve, profits, shares, waits
from acme_bot.report.markouts import OLDEST_SECONDS, Markout, markouts
from acme_bot.report.session import MICROSECONDS, Session
from acme_exchange.engine.model.money import EXACT, exactly
from acme_exchange.mid_prices import HORIZONS

NOT_KNOWN = "–"
OWN_PRICES = "prices of the venue's own, simulated"
OWN_RULE = "orders fill by price, then time, against the venue's simulated traders"


@dataclass(frozen=True)
class Part:
    """A table of the report. The first column is text, the others are numbers.

    :ivar note: what has to be known to read it; may be empty.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """
    :ivar facts: pairs of name and value: whose account, from when to when, whose prices, by which rule.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    parts: Sequence[Part]
    curve: Curve
    profits: Sequence[MarketProfit]
    markouts: Sequence[Markout]


def report_of(session: Session, rules: Sequence[str], cancelled: Sequence[float] | None = None) -> Report:
    """
    :param rules: by which orders were filled, each in words; none where nobody has kept them.
    :param cancelled: how long each cancelled order had waited, in seconds; None where nobody has kept it.
    """
    by_market, after, course = profits(session), markouts(session), curve(session)
    return Report(
        f"The account {session.line.name}",
        [*_facts(session, course), *_rules(session, rules)],
        [_profit_part(session, by_market), _share_part(session), _markout_part(after), _wait_part(session, cancelled)],
        course,
        by_market,
        after,
    )


def _facts(session: Session, course: Curve) -> list[tuple[str, str]]:
    line, first = session.line, session.entries[0].time
    fell = f"{course.drawdown:,.2f} USD, seen every {session.resolution} s"
    return [
        ("from", _moment(first)),
        ("to", _moment(session.now)),
        ("deposits, USD", exact(line.deposits)),
        ("equity, USD", exact(line.equity)),
        ("profit after fees and funding, USD", exact(line.profit)),
        ("deepest fall of it", fell),
    ]


def _rules(session: Session, rules: Sequence[str]) -> list[tuple[str, str]]:
    traded = sorted(session.trades)
    sources = [f"{name}: {session.sources.get(name, OWN_PRICES)}" for name in traded]
    if not any(name in session.sources for name in traded):
        return [("prices", "; ".join(sources)), ("fill rule", OWN_RULE)]
    fill_rule = "; ".join(rules) or "not kept by the venue, which was older"
    return [("prices", "; ".join(sources)), ("fill rule", fill_rule)]


@exactly
def _profit_part(session: Session, by_market: Sequence[MarketProfit]) -> Part:
    columns = ("market", "realized", "unrealized", "fees", "funding", "profit")
    rows = [_money_row(one.market or "borne by the house", *_parts(one)) for one in by_market]
    sums = [sum(column, Decimal(0)) for column in zip(*map(_parts, by_market))]
    return Part("Profit by market, USD", columns, [*rows, _money_row("all", *sums)])


def _parts(one: MarketProfit) -> tuple[Decimal, ...]:
    return one.realized, one.unrealized, -one.fees, one.funding, one.total


def _money_row(name: str, *amounts: Decimal) -> list[str]:
    return [name, *map(exact, amounts)]


def _share_part(session: Session) -> Part:
    rows = [
        [share.role, str(share.fills), exact(share.volume), f"{share.fraction:.1%}", exact(share.fees)]
        for share in shares(session)
    ]
    return Part("Maker and taker", ("as", "fills", "volume, USD", "of it", "fees, USD"), rows)


def _markout_part(after: Sequence[Markout]) -> Part:
    rows = []
    for role in dict.fromkeys(one.role for one in after):
        own = [one for one in after if one.role == role]
        known = ", ".join(str(one.known) for one in own)
        rows.append([role, *(_signed(one.basis_points) for one in own), f"{known} of {own[0].fills}"])
    note = (
        "By how many basis points the mid price was better than the price of a fill, by volume: below 0, "
        "the other side gained. Where the venue has not recorded the mid price, it is half way between the latest "
        f"trades of buyers and of sellers of the {OLDEST_SECONDS} s before; fills without such trades are left out."
    )
    return Part("After the fill, bp", ("as", *(f"{one} s" for one in HORIZONS), "fills known"), rows, note)


def _wait_part(session: Session, cancelled: Sequence[float] | None) -> Part:
    rows = []
    for wait in waits(session, cancelled):
        seconds = [f"{wait.median:,.2f}", f"{wait.slowest_tenth:,.2f}"] if wait.orders else [NOT_KNOWN] * 2
        rows.append([wait.what, str(wait.orders), *seconds])
    note = "" if cancelled is not None else "When orders were cancelled is on the bot's record: name its workspace."
    return Part("In the queue, s", ("orders", "how many", "median", "slowest tenth"), rows, note)


def exact(amount: Decimal) -> str:
    """A number with all of its digits, in groups of three."""
    return f"{amount.normalize(EXACT):,f}" if amount else "0"


def _signed(number: float | None) -> str:
    return NOT_KNOWN if number is None else f"{number:+.2f}"


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time / MICROSECONDS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
