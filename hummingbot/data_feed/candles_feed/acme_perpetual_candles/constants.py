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

# Hummingbot's names of the intervals, in seconds. The API has most of them (Acme API §4), and 15 s, for which
# Hummingbot has no name.
INTERVALS = bidict(
    {
        "1m": 60,
        "3m": 180,
        "5m": 300,
        "15m": 900,
        "30m": 1800,
        "1h": 3600,
        "2h": 7200,
        "4h": 14400,
        "6h": 21600,
        "12h": 43200,
        "1d": 86400,
    }
)
# Those that it has not are made of its candles of another resolution.
RESOLUTIONS = {"3m": INTERVALS["1m"], "30m": INTERVALS["15m"], **dict.fromkeys(("2h", "6h", "12h"), INTERVALS["1h"])}

# The most candles that an answer holds (Acme API §4).
MOST_CANDLES = 1501

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
