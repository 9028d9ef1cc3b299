"""Limits of the candles that the Acme API v1 serves. Each number says where it comes from."""

from bidict import bidict

from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants import (
    ONE_SECOND,
    PING_PATH_URL,
    PUBLIC_POOL,
    REQUESTS_PER_SECOND,
)
from hummingbot.core.api_throttler.data_types import LinkedLimitWeightPair, RateLimit

CANDLES_ENDPOINT = "/markets/{market}/candles"  # Acme API §4

# Hummingbot's names of the resolutions, in seconds, that the API has (Acme API §4). It also has 15 s, for which
# Hummingbot has no name.
INTERVALS = bidict({"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400})

# An answer holds 1501 candles (Acme API §4). Hummingbot asks for a span of so many intervals, with a candle at each end.
MAX_RESULTS_PER_CANDLESTICK_REST_REQUEST = 1500

# Seconds between two questions for what is new, by the interval: a sixtieth of it, within these. Feeds share the 30
# public requests a second of an address (Acme API §3) with each other, the connector, and other bots.
POLL_INTERVAL_MIN = 1.0
POLL_INTERVAL_MAX = 5.0
POLLS_PER_INTERVAL = 60
# The latest trade of a candle may be on the venue's record a moment after the next candle has begun, so the one before
# the last is read once more too.
CANDLES_READ_AGAIN = 2

RATE_LIMITS = [
    RateLimit(PUBLIC_POOL, limit=REQUESTS_PER_SECOND, time_interval=ONE_SECOND),
    *(
        RateLimit(
            path,
            limit=REQUESTS_PER_SECOND,
            time_interval=ONE_SECOND,
            linked_limits=[LinkedLimitWeightPair(PUBLIC_POOL)],
        )
        for path in (CANDLES_ENDPOINT, PING_PATH_URL)
    ),
]
