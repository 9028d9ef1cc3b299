"""Reads and writes the wire of the Acme API v1: JSON and its values, the envelope of REST's answers, the frames of the
WebSockets.

Pure functions. What the venue sends is not trusted: a field that is absent, of another type, or not finite raises
`WireError`, which names it. Unknown fields are ignored. Every field name of the wire that the connector uses stands in
this module, or in that of the public data or of the account.
"""

import math
from datetime import datetime
from decimal import Decimal
from typing import Any, Dict, List, Optional

import msgspec

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS

_FUNDING_TEXT = f'"{CONSTANTS.FUNDING_CHANNEL}"'
SERVER_LEAVES_CODE = 20001  # Acme API §6
LONGEST_ERROR_TEXT = 200  # letters; longer than any text of Acme API §7
LARGEST_EXPONENT = 30  # of ten; nothing that is traded is larger, or smaller, and products of two still are numbers
LEAST, MOST = Decimal(f"1e-{LARGEST_EXPONENT}"), Decimal(f"1e{LARGEST_EXPONENT + 1}")  # the same; MOST is too large


class WireError(ValueError):
    """What the venue sent is not what the Acme API says; the text names the field."""


# ----------------------------------------------------------------------------------------------- JSON and its values


def json_text(value: Dict[str, Any]) -> str:
    """What is sent: JSON, with nothing in it that need not be."""
    return msgspec.json.encode(value).decode()


def exact_json(text: str | bytes) -> Any:
    """JSON in which every number that is no integer is the `Decimal` of its text. For whatever holds money.

    :raises ValueError: when it is not JSON; NaN and Infinity are not
    """
    try:
        return _EXACT_NUMBERS.decode(text)
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise WireError(f"not JSON: {type(error).__name__}") from None


def public_frame(text: str) -> Dict[str, Any]:
    """A frame of the public WebSocket: books and trades in doubles, as Hummingbot keeps them, funding exact.

    :raises WireError: when it is not a JSON object
    """
    if not isinstance(text, str):
        raise WireError("not a text")
    if _FUNDING_TEXT in text:
        frame = private_frame(text)
        if channel(frame) == CONSTANTS.FUNDING_CHANNEL:
            return frame
    try:
        return json_object(_DOUBLES.decode(text))
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {type(error).__name__}") from None


def private_frame(text: str) -> Dict[str, Any]:
    """A frame of the private WebSocket, its numbers exact.

    :raises WireError: when it is not a JSON object
    """
    return json_object(exact_json(text))


def json_object(value: Any) -> Dict[str, Any]:
    """The value itself, when it is a JSON object; raises WireError when it is anything else."""
    if not isinstance(value, dict):
        raise WireError("not a JSON object")
    return value


def field(data: Dict[str, Any], name: str) -> Any:
    """The value of a field that has to be there.

    :raises WireError: when it is absent or null, or `data` is no object
    """
    value = data.get(name) if type(data) is dict else json_object(data).get(name)
    if value is None:
        raise WireError(f"'{name}' is missing")
    return value


def text_field(data: Dict[str, Any], name: str) -> str:
    """The text of a field; raises WireError when it is anything else."""
    value = field(data, name)
    if not isinstance(value, str):
        raise WireError(f"'{name}' is not a text")
    return value


def text_or_empty(data: Dict[str, Any], name: str) -> str:
    """The text of a field, or an empty one when it is absent or anything else."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def decimal_field(data: Dict[str, Any], name: str) -> Decimal:
    """The exact number of a field; raises WireError when it is no finite number."""
    return _decimal(field(data, name), name)


def optional_decimal(data: Dict[str, Any], name: str) -> Optional[Decimal]:
    """As `decimal_field`, or None when the field is absent or null."""
    value = json_object(data).get(name)
    return None if value is None else _decimal(value, name)


def time_field(data: Dict[str, Any], name: str) -> float:
    """The seconds since the epoch of an ISO-8601 field (Acme API §1); raises WireError when it is none."""
    return timestamp(field(data, name), name)


def timestamp(value: Any, name: str = "time") -> float:
    """Seconds since the epoch of an ISO-8601 text with its offset (Acme API §1).

    :raises WireError: when it is none
    """
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment.timestamp()
    except (TypeError, ValueError, OverflowError):
        raise WireError(f"'{name}' is not an ISO-8601 time") from None


def positive_decimal(data: Dict[str, Any], name: str) -> Decimal:
    """As `decimal_field`; raises WireError also when it is not above zero."""
    number = decimal_field(data, name)
    if number <= 0:
        raise WireError(f"'{name}' is not above zero")
    return number


def optional_text(data: Dict[str, Any], name: str) -> Optional[str]:
    """As `text_field`, or None when the field is absent or null."""
    return None if json_object(data).get(name) is None else text_field(data, name)


def double(value: Any, name: str) -> float:
    """The finite double of a number; raises WireError, which names it, when it is none."""
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise WireError(f"'{name}' is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise WireError(f"'{name}' is not finite")
    return number


_EXACT_NUMBERS = msgspec.json.Decoder(float_hook=Decimal)
_DOUBLES = msgspec.json.Decoder()


def exact_number(value: Any) -> Decimal:
    """The `Decimal` of an integer, or the `Decimal` that it is.

    :raises WireError: when it is neither
    """
    if type(value) is Decimal:
        return value
    if type(value) is not int:
        raise WireError("not an exact number")
    return Decimal(value)


def _decimal(value: Any, name: str) -> Decimal:
    if type(value) is not Decimal and (isinstance(value, bool) or not isinstance(value, (int, Decimal))):
        raise WireError(f"'{name}' is not an exact number")
    number = value if type(value) is Decimal else Decimal(value)
    if not number.is_finite() or (number and abs(number.adjusted()) > LARGEST_EXPONENT):
        raise WireError(f"'{name}' is out of range")
    return number


# --------------------------------------------------------------------------------------------------- REST's envelope


def is_success(answer: Any) -> bool:
    """Whether an answer is the envelope of a success (Acme API §1)."""
    return isinstance(answer, dict) and answer.get("success") is True and "result" in answer


def result(answer: Any) -> Any:
    """What a successful answer holds. Raises WireError when there is nothing."""
    if not is_success(answer):
        raise WireError("'result' is missing")
    return answer["result"]


def error_message(answer: Any) -> Optional[str]:
    """The venue's words in a refusal (Acme API §7), or None when the answer is none."""
    if not isinstance(answer, dict) or answer.get("success") is not False:
        return None
    return str(answer.get("error") or "The venue gave no reason")


def entries(answer: Any) -> List[Any]:
    """The entries of an answer that is a list. Raises WireError when it holds none."""
    rows = result(answer)
    if not isinstance(rows, list):
        raise WireError("'result' is not a list")
    return rows


# -------------------------------------------------------------------------------------------------- WebSocket frames


def subscribe_request(channel_name: str, market_name: Optional[str] = None) -> Dict[str, str]:
    """The subscription to a channel, of a market where the channel is a market's (Acme API §6)."""
    return _channel_request("subscribe", channel_name, market_name)


def unsubscribe_request(channel_name: str, market_name: Optional[str] = None) -> Dict[str, str]:
    """The end of a subscription (Acme API §6)."""
    return _channel_request("unsubscribe", channel_name, market_name)


def login_request(key: str, signature: str, time_ms: int, subaccount: str = "") -> Dict[str, Any]:
    """The login of a WebSocket (Acme API §2), to a subaccount where one is named."""
    args = {"key": key, "sign": signature, "time": time_ms}
    return {"op": "login", "args": {**args, "subaccount": subaccount} if subaccount else args}


def ping_request() -> Dict[str, str]:
    """The client's sign of life, which the venue answers (Acme API §6)."""
    return {"op": "ping"}


def channel(frame: Dict[str, Any]) -> str:
    """The channel a frame belongs to, or an empty text."""
    return text_or_empty(frame, "channel")


def market(frame: Dict[str, Any]) -> str:
    """The market a frame belongs to, or an empty text."""
    return text_or_empty(frame, "market")


def payload(frame: Dict[str, Any]) -> Any:
    """A frame's data. Raises WireError when there is none."""
    return field(frame, "data")


def is_subscribed(frame: Dict[str, Any]) -> bool:
    """Whether the frame confirms a subscription."""
    return frame.get("type") == "subscribed"


def is_pong(frame: Dict[str, Any]) -> bool:
    """Whether the frame answers a ping."""
    return frame.get("type") == "pong"


def is_partial(frame: Dict[str, Any]) -> bool:
    """Whether the frame is a full state."""
    return frame.get("type") == "partial"


def has_data(frame: Dict[str, Any]) -> bool:
    """Whether the frame brings data: a full state, or an update."""
    return frame.get("type") in ("partial", "update")


def says_goodbye(frame: Dict[str, Any]) -> bool:
    """Whether the server announces that it is going away (Acme API §6)."""
    return frame.get("type") == "info" and frame.get("code") == SERVER_LEAVES_CODE


def error_text(frame: Dict[str, Any]) -> Optional[str]:
    """The venue's words in an error frame (Acme API §7), or None when the frame is none."""
    if frame.get("type") != "error":
        return None
    return str(frame.get("msg") or "The venue gave no reason")[:LONGEST_ERROR_TEXT]


def _channel_request(operation: str, channel_name: str, market_name: Optional[str]) -> Dict[str, str]:
    request = {"op": operation, "channel": channel_name}
    return request if market_name is None else {**request, "market": market_name}
