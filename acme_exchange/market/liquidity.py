"""Makes the liquidity of one market: the quotes of the house, and its takes."""

from decimal import Decimal
from random import Random

from acme_exchange.engine.commands import PlaceOrder, PriceAndSize, Requote
from acme_exchange.engine.model.accounts import TAKES
from acme_exchange.engine.model.words import Side
from acme_exchange.market.definition import MarketDefinition
from acme_exchange.market.index import STEP

LEVELS = 120
"""Levels quoted a side: some more than the 100 that the API shows, so that a large order leaves 100."""

_HALF_SPREAD = Decimal("0.0007")
_SPACING = 0.0001
_TOUCH_DOLLARS = 4_000
# From which level on a side is how many times as deep as at the touch: steps, not a slope, so that a move of the
# price by one level changes the size of a few levels, not of all.
_DEPTH_STEPS = ((0, 1), (3, 2), (10, 4), (30, 7), (60, 10))
_NOISE_VALUES = 1009
_PRICES_KEPT = 4 * LEVELS

_SECONDS_BETWEEN_TAKES = 1.5
_TAKE_MEDIAN_DOLLARS = 1_200
_TAKE_SPREAD = 1.0
_TAKE_MAX_DOLLARS = 20_000
_TAKE_REACH = Decimal("0.002")
_MOMENTUM = 0.08


class Quotes:
    """What the house quotes: `LEVELS` prices a side, a basis point apart on a fixed grid, 7 basis points off the index.

    That is wider than a real book, on purpose: a strategy that quotes closer is the best price, and is what takers hit.
    Sizes grow with the distance, and differ from price to price by a factor that belongs to the price. Each is of whole
    minimum sizes, as those of the takes are.
    """

    def __init__(self, seed: str, market: MarketDefinition):
        specification = market.specification
        ticks = max(1, round(float(market.start_price) * _SPACING / float(specification.price_increment)))
        self._market = specification.name
        self._spacing = ticks * specification.price_increment
        least = specification.min_provide_size
        lots = _TOUCH_DOLLARS / float(market.start_price * least)
        random = Random(seed)
        self._sizes = [max(1, round(lots * random.uniform(0.5, 1.5))) * least for _ in range(_NOISE_VALUES)]
        self._depths = [max(depth for start, depth in _DEPTH_STEPS if start <= level) for level in range(LEVELS)]
        self._prices: dict[int, Decimal] = {}
        self._quoted: tuple[int, int] | None = None
        self._command: Requote | None = None

    def requote(self, index: Decimal) -> Requote:
        """The quotes that belong to an index; the very same command as long as they are the same."""
        bid = _below(index * (1 - _HALF_SPREAD), self._spacing)
        ask = _above(index * (1 + _HALF_SPREAD), self._spacing)
        if self._command is None or self._quoted != (bid, ask):
            self._quoted = bid, ask
            self._command = Requote(self._market, self._side(bid, -1), self._side(ask, 1))
        return self._command

    def _side(self, first: int, direction: int) -> tuple[PriceAndSize, ...]:
        numbers = range(first, first + direction * LEVELS, direction)
        return tuple(
            [
                (self._prices.get(number) or self._price(number), self._sizes[number % _NOISE_VALUES] * depth)
                for number, depth in zip(numbers, self._depths)
                if number > 0
            ]
        )

    def _price(self, number: int) -> Decimal:
        """That of a place in the grid. The latest are kept: from one command to the next, most are the same."""
        if len(self._prices) >= _PRICES_KEPT:
            self._prices.clear()
        price = self._prices[number] = number * self._spacing
        return price


class Taker:
    """The house's other account: small orders that take what rests within 0.2 % of the index, on either side.

    They come at random, every 1.5 s on average, somewhat more often in the direction of the last move. Each is for
    whole minimum sizes: of an order of such a size, none leaves a position too small to be closed by one that rests.

    :param speed: they come as many times as often, but at most once in a step.
    """

    def __init__(self, seed: str, market: MarketDefinition, speed: float = 1.0):
        self._random = Random(seed)
        self._specification = market.specification
        self._chance = STEP / 1_000_000 / _SECONDS_BETWEEN_TAKES * speed

    def draw(self, index: float, last_return: float) -> tuple[Side, Decimal] | None:
        """The side and size of this step's take, if there is one."""
        if self._random.random() >= self._chance:
            return None
        bias = _MOMENTUM if last_return > 0 else -_MOMENTUM
        side: Side = "buy" if self._random.random() < 0.5 + bias else "sell"
        dollars = min(_TAKE_MAX_DOLLARS, _TAKE_MEDIAN_DOLLARS * self._random.lognormvariate(0.0, _TAKE_SPREAD))
        least = self._specification.min_provide_size
        most = int(self._specification.max_size // least)
        return side, min(max(1, round(dollars / index / float(least))), most) * least

    def order(self, side: Side, size: Decimal, index: Decimal) -> PlaceOrder:
        """The take as an order: what it cannot get near the index, it does without."""
        increment = self._specification.price_increment
        if side == "buy":
            steps = _above(index * (1 + _TAKE_REACH), increment)
        else:
            steps = max(1, _below(index * (1 - _TAKE_REACH), increment))
        return PlaceOrder(TAKES, self._specification.name, side, "limit", size, steps * increment, ioc=True)


def _below(price: Decimal, spacing: Decimal) -> int:
    """How many whole spacings fit under a price."""
    return int(price // spacing)


def _above(price: Decimal, spacing: Decimal) -> int:
    """How many whole spacings it takes to reach a price."""
    return int(price // spacing) + (1 if price % spacing else 0)
