"""Reads `--follow` and the options that go with it, and makes a venue whose markets follow a real exchange's."""

import argparse
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from acme_exchange.cli.notices import notice
from acme_exchange.follow import Following
from acme_exchange.input.errors import UserError
from acme_exchange.latency import Latency
from acme_exchange.market import MarketPlan
from acme_exchange.market.follow.follower import Follower, Source, specification
from acme_exchange.market.follow.rules import keep_rule
from acme_exchange.market.follow.source import STANDARD_INPUT, FollowError, LineSource
from acme_exchange.venue import Venue

DEFAULT_LATENCY = 50
MOST_LATENCY = 10_000


@dataclass(frozen=True)
class QueueRule:
    """How cancellations are split around an account's order.

    :ivar power: as in `MirrorBook`.
    :ivar words: what the user is told of it.
    """

    power: int | None
    words: str


QUEUE_RULES = {
    "behind": QueueRule(None, "cancellations from behind first"),
    "prob1": QueueRule(1, "cancellations split by the sizes before and behind"),
    "prob3": QueueRule(3, "cancellations split by the third powers of the sizes before and behind"),
}
"""What `--queue` takes, the usual first."""


def add_follow_options(serve: argparse.ArgumentParser) -> None:
    """Adds the options of what is followed, and of how orders fill there."""
    group = serve.add_argument_group(
        "following a real exchange", "Of the simulated markets only those that --markets names are offered then."
    )
    group.add_argument(
        "--follow",
        type=Path,
        metavar="FILE",
        help="let markets do what those of a real exchange do. FILE is a recording of `acme-bot feed`, which is played "
        "as fast as --speed says, or - for what that command writes into a pipe",
    )
    group.add_argument("--repeat", action="store_true", help="play the recording again from its beginning at its end")
    group.add_argument(
        "--queue",
        choices=QUEUE_RULES,
        default=next(iter(QUEUE_RULES)),
        help="decide which orders were cancelled when the real exchange displays less at a price where an account's "
        "order waits: it does not say whether they stood before that order or behind it. "
        + "; ".join(f"{name}: {rule.words}" for name, rule in QUEUE_RULES.items())
        + " (default: %(default)s)",
    )
    group.add_argument(
        "--latency",
        type=_milliseconds,
        metavar="MS",
        help="carry out each order and each cancellation MS milliseconds late on average, between half and one and a "
        f"half times as late; also on markets that follow nothing. At most {MOST_LATENCY} (default: {DEFAULT_LATENCY} "
        "with --follow, else 0)",
    )


def line_source(options: argparse.Namespace) -> LineSource | None:
    """The lines to follow, of which the first have been read; None: nothing is to be followed.

    :raises UserError: there is nothing to follow in them, or the options contradict each other.
    """
    if options.follow is None:
        return None
    if options.replay is not None:
        raise UserError("--follow and --replay are two sources of prices: leave one out.")
    if options.follow == STANDARD_INPUT:
        notice("Waiting for the feed to announce its markets ...")
    try:
        return LineSource(options.follow, notice)
    except FollowError as error:
        raise UserError(str(error)) from None


def followed_plan(plan: MarketPlan, source: LineSource, options: argparse.Namespace) -> MarketPlan:
    """The plan with the followed markets; without those that nobody named.

    :raises UserError: a market is impossible, or both simulated and followed.
    """
    markets = plan.markets if options.markets is not None else ()
    names = {market.specification.name for market in markets}
    followed = []
    for line in source.markets:
        if line.market in names:
            raise UserError(f"{line.market} is both followed and in {options.markets}: take it out of that file.")
        try:
            followed.append(specification(line))
        except ValueError as error:
            raise UserError(f"The feed's market {line.market}: {error}") from None
    return plan.following(markets, followed, source.histories, source.markets[0])


def following(venue: Venue, source: LineSource, options: argparse.Namespace) -> Following:
    """Makes what carries out the feed's lines on the venue."""
    rule = QUEUE_RULES[options.queue]
    follower = Follower(source.markets, rule.power)
    for each in follower.sources.values():
        venue.origins[each.line.market] = partial(_origin, venue, each)
        notice(f"{each.line.market} follows {each.name}; orders queue behind what it displays, {rule.words}.")
    if file := venue.store.file:
        held = f"orders queue behind what the exchange displays, {rule.words}; {_held_back(options)} ms of latency"
        keep_rule(file.parent, venue.clock.now(), held)
    return Following(venue, source, follower, options.speed, options.repeat)


def _origin(venue: Venue, source: Source) -> str:
    """Whose prices these are, and how old."""
    if source.heard is None:
        return f"{source.name}; nothing has come yet"
    return f"{source.name}; the last came {(venue.clock.now() - source.heard) / 1e6:.1f} s ago"


def latency(options: argparse.Namespace) -> Latency:
    """How long orders and cancellations are under way."""
    return Latency(_held_back(options), secrets.randbits(32) if options.seed is None else options.seed)


def _held_back(options: argparse.Namespace) -> int:
    """The mean latency, in milliseconds: that of --latency, or the usual one."""
    usual = 0 if options.follow is None else DEFAULT_LATENCY
    return usual if options.latency is None else int(options.latency)


def _milliseconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > MOST_LATENCY:
        raise argparse.ArgumentTypeError(f"write whole milliseconds from 0 to {MOST_LATENCY}, not {text!r}")
    return int(text)
