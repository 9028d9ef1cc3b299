"""Requests, field by field (Acme API §4 and §5): every name that arrives over REST is in this module.

Unknown fields are ignored, a `null` counts as absent, and whatever does not fit is refused with the contract's words.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from acme_exchange.api import errors
from acme_exchange.engine import Refused
from acme_exchange.engine.model.words import OrderKind, PositionMode, PositionSide, Side
from acme_exchange.engine.rules.accounts import MAX_LEVERAGE
from acme_exchange.input.numbers import JSON_NUMBER, LARGEST_NUMBER, number

MOST_RECORDS = 1_000
MOST_CANDLES = 1_501
LATEST_SECOND = 10**11
LARGEST_ID = 10**15

CONTRACT_TEXT = "contract_text"


def _whole(value: Any) -> int:
    found = number(value)
    if found != found.to_integral_value():
        raise ValueError("not a whole number")
    return int(found)


def _leverage(value: Any) -> int:
    try:
        return _whole(value)
    except ValueError:
        raise PydanticCustomError(CONTRACT_TEXT, "Invalid leverage") from None


def _described(kind: Literal["number", "integer"], least: int, most: int) -> WithJsonSchema:
    """How a number is described: written as one, or as a string that holds one."""
    choices = [
        {"type": kind, "minimum": least, "maximum": most},
        {"type": "string", "pattern": f"^{JSON_NUMBER.pattern}$"},
    ]
    return WithJsonSchema({"anyOf": choices})


def _whole_number(least: int, most: int) -> tuple[Any, ...]:
    """What makes an `int` of a number in any of the ways that it can be written."""
    return BeforeValidator(_whole), Field(ge=least, le=most), _described("integer", least, most)


Number = Annotated[Decimal, BeforeValidator(number), _described("number", -int(LARGEST_NUMBER), int(LARGEST_NUMBER))]
ClientId = Annotated[str, Field(strict=True, min_length=1, max_length=64)]
Name = Annotated[str, Field(strict=True, min_length=1)]
Seconds = Annotated[Number, Field(ge=0, le=LATEST_SECOND), _described("number", 0, LATEST_SECOND)]


LeastId = Annotated[int, *_whole_number(0, LARGEST_ID)]
LEAST_ID: Any = Field(None, alias="minId", description="ids from this one on")


class Request(BaseModel):
    """The parameters of one request, read from its body or its query."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, fields: Any) -> Self:
        """
        :param fields: the JSON body or the query.
        :raises Refused: 400, naming the first parameter that is missing or does not fit.
        """
        if not isinstance(fields, Mapping):
            raise Refused(400, errors.invalid_parameter("body"))
        try:
            return cls.model_validate({name: value for name, value in fields.items() if value is not None})
        except ValidationError as error:
            raise Refused(400, _contract_text(error)) from None


def _contract_text(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == CONTRACT_TEXT:
        return first["msg"]
    name = str(first["loc"][0])
    return errors.missing_parameter(name) if first["type"] == "missing" else errors.invalid_parameter(name)


class NoParameters(Request):
    """A request that says everything by its path."""


class Period(Request):
    """A span of time, both ends included."""

    start_time: Seconds | None = Field(None, description="epoch seconds")
    end_time: Seconds | None = Field(None, description="epoch seconds")


class OrderBookQuery(Request):
    depth: Annotated[int, *_whole_number(1, 100)] = 20


class PagedQuery(Period):
    limit: Annotated[int, *_whole_number(1, MOST_RECORDS)] = 100


class TradesQuery(PagedQuery):
    least_id: LeastId | None = LEAST_ID


class CandlesQuery(Period):
    resolution: Literal["15", "60", "300", "900", "3600", "14400", "86400"]
    limit: Annotated[int, *_whole_number(1, MOST_CANDLES)] = MOST_CANDLES


class FundingQuery(Period):
    future: Name | None = None


class PositionsQuery(Request):
    show_average_price: bool = Field(False, alias="showAvgPrice")


class OpenOrdersQuery(Request):
    market: Name | None = None


class OrderHistoryQuery(PagedQuery):
    market: Name | None = None
    side: Side | None = None
    order_type: OrderKind | None = Field(None, alias="orderType")
    order: Literal["asc", "desc"] = "desc"


class FillsQuery(PagedQuery):
    market: Name | None = None
    order: Literal["asc", "desc"] = "desc"
    order_id: Annotated[int, *_whole_number(0, LARGEST_ID)] | None = Field(None, alias="orderId")
    least_id: LeastId | None = LEAST_ID


class LeverageRequest(Request):
    leverage: Annotated[int, BeforeValidator(_leverage), _described("integer", 1, MAX_LEVERAGE)]


class PositionModeRequest(Request):
    mode: PositionMode


class PlaceOrderRequest(Request):
    market: Name
    side: Side
    type: OrderKind
    size: Number
    price: Number | None = None
    reduce_only: StrictBool = Field(False, alias="reduceOnly")
    immediate_or_cancel: StrictBool = Field(False, alias="ioc")
    post_only: StrictBool = Field(False, alias="postOnly")
    client_id: ClientId | None = Field(None, alias="clientId")
    reject_after: Annotated[int, *_whole_number(0, LARGEST_ID)] | None = Field(
        None, alias="rejectAfterTs", description="epoch milliseconds"
    )
    position_side: PositionSide | None = Field(None, alias="positionSide")


class ModifyOrderRequest(Request):
    price: Number | None = None
    size: Number | None = None
    client_id: ClientId | None = Field(None, alias="clientId")


class CancelOrdersRequest(Request):
    market: Name | None = None
    side: Side | None = None
    conditional_only: StrictBool | None = Field(
        None, alias="conditionalOrdersOnly", description="cancels nothing: no order is conditional"
    )
    limit_only: StrictBool | None = Field(None, alias="limitOrdersOnly", description="every order is one")
