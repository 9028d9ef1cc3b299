"""Names, addresses and limits of the Acme API v1. Each number says where it comes from."""

from hummingbot.core.api_throttler.data_types import LinkedLimitWeightPair, RateLimit

EXCHANGE_NAME = "acme_perpetual"
SECOND_NAME = "acme_perpetual_second"  # the connector to a second account, or a second server, of the same bot

# A `domain`, wherever Hummingbot passes one around, is the address of the venue's server, as
# `acme_perpetual_servers.normalized_server` returns it. Only the connectors' names are domains with a name: they stand
# for the server that a user who configured none means (Acme API §1).
DEFAULT_DOMAIN = EXCHANGE_NAME
DEFAULT_SERVER = "http://127.0.0.1:8600"
REST_URLS = {EXCHANGE_NAME: DEFAULT_SERVER, SECOND_NAME: DEFAULT_SERVER}
UNKNOWN_DOMAIN = "unknown"  # of a connector without keys where nobody has named a server: there is none to ask
SERVER_VARIABLE = "ACME_PERPETUAL_SERVER"  # in the environment, where no server was connected
API_PATH = "/api"
WS_PATH = "/ws/"

QUOTE_ASSET = "USD"  # of every trading pair, and the only collateral (Acme API §1, §4)

MAX_ORDER_ID_LENGTH = 64  # Acme API §5, `clientId`
HBOT_ORDER_ID_PREFIX = "HBOT"

# Public REST (Acme API §4)
PING_PATH_URL = "/"
SERVER_TIME_PATH_URL = "/time"
MARKETS_PATH_URL = "/markets"
ORDER_BOOK_PATH_URL = "/markets/{market}/orderbook"
FUTURES_PATH_URL = "/futures"
FUTURE_PATH_URL = "/futures/{future}"

# Private REST (Acme API §5)
ACCOUNT_PATH_URL = "/account"
LEVERAGE_PATH_URL = "/account/leverage"
POSITION_MODE_PATH_URL = "/account/position_mode"
BALANCES_PATH_URL = "/wallet/balances"
POSITIONS_PATH_URL = "/positions"
ORDERS_PATH_URL = "/orders"
ORDER_HISTORY_PATH_URL = "/orders/history"
ORDER_PATH_URL = "/orders/{order_id}"
ORDER_BY_CLIENT_ID_PATH_URL = "/orders/by_client_id/{client_order_id}"
FILLS_PATH_URL = "/fills"
FUNDING_PAYMENTS_PATH_URL = "/funding_payments"

# WebSocket channels (Acme API §6)
ORDER_BOOK_CHANNEL = "orderbook"
TRADES_CHANNEL = "trades"
FUNDING_CHANNEL = "funding"
PUBLIC_CHANNELS = (ORDER_BOOK_CHANNEL, TRADES_CHANNEL, FUNDING_CHANNEL)
ORDERS_CHANNEL = "orders"
FILLS_CHANNEL = "fills"
POSITIONS_CHANNEL = "positions"
BALANCES_CHANNEL = "balances"
PRIVATE_CHANNELS = (ORDERS_CHANNEL, FILLS_CHANNEL, POSITIONS_CHANNEL, BALANCES_CHANNEL)

# Put by the user stream into its queue whenever it is connected, logged in and subscribed, before the first frame of
# that connection: whatever happened before it has to be fetched. No venue's frame has this channel.
STREAM_CONNECTED_CHANNEL = "acme_perpetual.stream_connected"
STREAM_CONNECTED_EVENT = {"channel": STREAM_CONNECTED_CHANNEL}

# A connection may have 100 subscriptions (Acme API §3), and each pair needs one to every public channel.
MAX_STREAMED_PAIRS = 100 // len(PUBLIC_CHANNELS)

ORDER_BOOK_DEPTH = 100  # levels a side in a book's answer, partial and checksum: the most there is (Acme API §4, §6)

# Error texts that the connector acts upon (Acme API §7)
ORDER_NOT_FOUND_ERROR = "Order not found"
ORDER_ALREADY_CLOSED_ERROR = "Order already closed"
ORDER_ALREADY_QUEUED_ERROR = "Order already queued for cancellation"
DUPLICATE_CLIENT_ID_ERROR = "Duplicate client order ID"
NO_SUBACCOUNT_ERROR = "No such subaccount"
CLOCK_ERROR = "Timestamp too far from current time"
# What the user reads beside an error whose text does not say what to do.
READ_ONLY_KEY_ERROR = "Not authorized"
EXPLANATIONS = {
    READ_ONLY_KEY_ERROR: "the API key may only read: connect acme_perpetual with one that may trade",
    "Invalid leverage": "the venue takes whole numbers from 1 to 20",
    "Size too small for provide": (
        "a limit order of less than the market's minimum is taken only if it is filled at once"
    ),
}

# Seconds from sending a request to the last byte of its answer. The venue answers in milliseconds: a placement without
# an answer after 5 s is in doubt, and the sooner the doubt is resolved the smaller the harm. Reads may be large (fills,
# markets) and nobody's money waits for them. Waiting for the rate limit does not count: nothing was sent yet.
TRADING_REQUEST_DEADLINE = 5.0
REQUEST_DEADLINE = 10.0

# A deadline passes in steps. One after which the loop came back later than it should have does not count, so that no
# deadline is stretched further than by this factor.
DEADLINE_STEP = 0.25
LOOP_HELD_UP = 0.05
DEADLINE_STRETCH = 6

# A 429 says when to come back (Acme API §3). Buckets are counted by the second, so three waits are plenty; a venue
# that asks for more patience than an order's deadline gets its error passed on instead.
RATE_LIMIT_RETRIES = 3
LONGEST_RETRY_AFTER = 5.0
DEFAULT_RETRY_AFTER = 1.0

# WebSocket upkeep (Acme API §3, §6): the venue wants a ping every 15 s and closes a client that is quiet for 60 s.
# A ping brings a pong, so a stream without a frame for two pings is dead, and its books are not traded on.
HEARTBEAT_TIME_INTERVAL = 5.0
STREAM_SILENCE_LIMIT = 12.0
SUBSCRIPTION_DEADLINE = 5.0  # for the venue's confirmations
CLOSE_DEADLINE = 0.5  # for the goodbye of a socket that is given up
RECONNECT_DELAY_MIN = 0.1
RECONNECT_DELAY_MAX = 5.0
# A connection that lasted this long was a good one: after it, the next delay is the shortest again.
STABLE_CONNECTION_SECONDS = 10.0
WARNING_INTERVAL = 300.0  # between two warnings of one kind about what a stream brings
MOST_WARNINGS = 20  # kinds of warnings in that time

# A book whose updates came closer together than this was ticking; as much silence means that it no longer follows.
BOOK_SILENCE_LIMIT = 5.0
# The subscription brings a market's first book; REST is asked for it when that takes longer.
FIRST_BOOK_DEADLINE = 1.0
# The longest, in seconds, that frames are read before what they change in the books is passed on, and others run.
LONGEST_BATCH = 0.001
# A market whose subscription goes wrong again and again is subscribed to once in this time.
RESUBSCRIPTION_INTERVAL = 1.0

# Rate limits (Acme API §3). The venue counts 30 requests a second per key (public ones per address), and within them
# 20 placements a second. The thirty are divided here, twenty for placing and ten for everything else that needs the
# key: however busy the polling is, it cannot delay an order. Cancels count nowhere at the venue; their own limit only
# keeps a runaway strategy at bay.
PUBLIC_POOL = "public requests"
READING_POOL = "private requests other than orders"
PLACE_ORDER_LIMIT_ID = "place order"
CANCEL_ORDER_LIMIT_ID = "cancel order"
TRADING_LIMIT_IDS = frozenset({PLACE_ORDER_LIMIT_ID, CANCEL_ORDER_LIMIT_ID})

REQUESTS_PER_SECOND = 30
PLACEMENTS_PER_SECOND = 20
READS_PER_SECOND = REQUESTS_PER_SECOND - PLACEMENTS_PER_SECOND
CANCELS_PER_SECOND = 200
ONE_SECOND = 1.0

PUBLIC_PATH_URLS = (
    PING_PATH_URL,
    SERVER_TIME_PATH_URL,
    MARKETS_PATH_URL,
    ORDER_BOOK_PATH_URL,
    FUTURES_PATH_URL,
    FUTURE_PATH_URL,
)
# Everything private except placing and cancelling; each path is its own limit's name.
READING_PATH_URLS = (
    ACCOUNT_PATH_URL,
    LEVERAGE_PATH_URL,
    POSITION_MODE_PATH_URL,
    BALANCES_PATH_URL,
    POSITIONS_PATH_URL,
    ORDERS_PATH_URL,
    ORDER_HISTORY_PATH_URL,
    ORDER_PATH_URL,
    ORDER_BY_CLIENT_ID_PATH_URL,
    FILLS_PATH_URL,
    FUNDING_PAYMENTS_PATH_URL,
)


def _limit(limit_id: str, per_second: int, *pools: str) -> RateLimit:
    return RateLimit(
        limit_id=limit_id,
        limit=per_second,
        time_interval=ONE_SECOND,
        linked_limits=[LinkedLimitWeightPair(pool) for pool in pools],
    )


RATE_LIMITS = [
    _limit(PUBLIC_POOL, REQUESTS_PER_SECOND),
    _limit(READING_POOL, READS_PER_SECOND),
    _limit(PLACE_ORDER_LIMIT_ID, PLACEMENTS_PER_SECOND),
    _limit(CANCEL_ORDER_LIMIT_ID, CANCELS_PER_SECOND),
    *(_limit(path, REQUESTS_PER_SECOND, PUBLIC_POOL) for path in PUBLIC_PATH_URLS),
    *(_limit(path, READS_PER_SECOND, READING_POOL) for path in READING_PATH_URLS),
]

# A placement or cancel whose outcome is unknown. The venue is asked at once, then ever less often, for as long as a
# strategy can be left waiting; after that, with every status poll.
DOUBT_RESOLUTION_TIME = 10.0
DOUBT_FIRST_DELAY = 0.25
DOUBT_LONGEST_DELAY = 2.0
# "Order not found" is believed when it was said twice, this far apart, and when the venue would refuse the placement if
# it arrived now: each placement says how long it is valid (Acme API §5, `rejectAfterTs`), which is as long as its
# answer is waited for.
NOT_FOUND_CONFIRMATION_TIME = 1.0
PLACEMENT_VALIDITY = TRADING_REQUEST_DEADLINE

# Frames that come before the answer to a placement can name their order only by an id that is not known yet.
# More of them than this would belong to orders that are not ours.
MOST_EARLY_FILLS = 1000
# An order that is closed waits for the fills it speaks of: first for their frames, then it asks. The sum of these
# seconds is what a lost fill may delay the end of an order by.
MISSING_FILLS_DELAYS = (0.2, 0.3, 0.5, 1.0, 1.0, 2.0)

# Fills are asked for from a little before the last one seen, since a time in seconds is not exact in a double, and the
# first time from well before the oldest order, since our clocks differ from the venue's.
FILLS_OVERLAP = 0.001
FIRST_FILLS_MARGIN = 60.0
# A market that is first asked about a moment after another may have been paid in between.
FUNDING_OVERLAP = 60.0
# Seconds by which the payments of one moment are told apart: those of markets, and those of the two connectors, which
# leaves room for a thousand markets. A time in a double is exact to a quarter of the smaller.
FUNDING_DELAY_OF_MARKETS = 1e-6
FUNDING_DELAY_OF_CONNECTORS = 1e-3

# Orders missing from the list of open ones are asked for one by one; from this many on, the history of orders, which is
# one request, is asked first.
ORDERS_WORTH_A_HISTORY = 4

# What was missed while the private stream was down holds up its frames; after so many failures the status poll has to
# find it.
CATCH_UP_ATTEMPTS = 3
CATCH_UP_DELAY = 0.5

# What keeps the connector from its account is logged once in this many seconds.
ACCOUNT_WARNING_INTERVAL = 60.0

# So many cancels under way are the end of a session, and private frames wait for them: not longer, in seconds, than
# from one answer to the next.
MANY_CANCELS = 20
MANY_CANCELS_PATIENCE = 1.0

# Frames that wait are processed for so many seconds before the event loop has its turn.
LONGEST_TURN = 0.002

# A cancelled order's last word comes within milliseconds. `cancel_all`, which ends a session, waits this long for the
# next.
CANCELLED_ORDERS_DEADLINE = 1.0

# Seconds between polls. The streams tell everything first; a poll finds what a lost frame did not tell, for five
# requests, so it need not be rare.
STATUS_POLL_INTERVAL = 15.0
FUNDING_FEE_POLL_INTERVAL = 15
CLOCK_INTERVAL = 60.0  # a machine's clock drifts by milliseconds in it

# Seconds for which the rate oracle, which asks each second, is told the same rates: one request in so many.
RATES_LIFETIME = 5
