"""The error texts that the API itself answers (Acme API §7); the engine's refusals bring their own."""

NOT_LOGGED_IN = "Not logged in"
INVALID_API_KEY = "Not logged in: Invalid API key"
INVALID_SIGNATURE = "Not logged in: Invalid signature"
TIMESTAMP_TOO_FAR = "Timestamp too far from current time"
NOT_AUTHORIZED = "Not authorized"
ORDER_NOT_FOUND = "Order not found"
ORDER_ALREADY_CLOSED = "Order already closed"
ORDER_ALREADY_QUEUED = "Order already queued for cancellation"
NO_SUCH_SUBACCOUNT = "No such subaccount"
NO_SUCH_FAULT = "No such fault"

INVALID_LOGIN_CREDENTIALS = "Invalid login credentials"
INVALID_CHANNEL = "Invalid channel"
INVALID_JSON = "Invalid JSON"
INVALID_OPERATION = "Invalid op"
ALREADY_SUBSCRIBED = "Already subscribed"
NOT_SUBSCRIBED = "Not subscribed"
TOO_MANY_SUBSCRIPTIONS = "Too many subscriptions"

TOO_MANY_CONNECTIONS = "Too many connections"

UNKNOWN_PATH = "Not found; /api/docs lists what there is"
WRONG_METHOD = "Method not allowed"
TOO_LARGE = "Request too large"
MALFORMED_REQUEST = "Malformed request"


def missing_parameter(name: str) -> str:
    return f"Missing parameter {name}"


def invalid_parameter(name: str) -> str:
    return f"Invalid parameter {name}"


def no_such_market(name: object) -> str:
    return f"No such market: {name}"


def unexpected(incident: str) -> str:
    return f"An unexpected error occurred, please try again later ({incident})"


def too_many(limit: int, what: str) -> str:
    return f"Do not send more than {limit} {what} per second"
