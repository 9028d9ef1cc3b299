from decimal import Decimal

import pytest

from acme_exchange.api.wire.requests import (
    CandlesQuery,
    FillsQuery,
    LeverageRequest,
    OrderBookQuery,
    OrderHistoryQuery,
    PlaceOrderRequest,
    PositionModeRequest,
)
from acme_exchange.engine import Refused

ORDER = {"market": "BTC-PERP", "side": "buy", "type": "limit", "size": Decimal("0.01"), "price": 50000}


def refusal(model, fields) -> str:
    with pytest.raises(Refused) as refused:
        model.read(fields)
    assert refused.value.status == 400
    return refused.value.text


@pytest.mark.parametrize("name", ["market", "side", "type", "size"])
def test_an_order_without_a_field_it_needs_is_refused_by_the_fields_name(name):
    without = {key: value for key, value in ORDER.items() if key != name}
    assert refusal(PlaceOrderRequest, without) == f"Missing parameter {name}"
    assert refusal(PlaceOrderRequest, without | {name: None}) == f"Missing parameter {name}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("market", 7),
        ("market", ""),
        ("side", "BUY"),
        ("type", "stop"),
        ("size", "many"),
        ("size", True),
        ("size", "NaN"),
        ("size", "Infinity"),
        ("size", "1_000"),
        ("size", " 1"),
        ("size", "0x10"),
        ("size", [1]),
        ("size", Decimal("1e16")),
        ("size", Decimal("1e999999")),
        ("price", Decimal("1e-999999")),
        ("price", "١"),
        ("price", {"amount": 1}),
        ("reduceOnly", "true"),
        ("ioc", 1),
        ("postOnly", "no"),
        ("clientId", ""),
        ("clientId", "x" * 65),
        ("clientId", 12),
        ("rejectAfterTs", "soon"),
        ("rejectAfterTs", Decimal("1.5")),
        ("positionSide", "both"),
    ],
)
def test_a_field_that_does_not_fit_is_refused_by_its_name(name, value):
    assert refusal(PlaceOrderRequest, ORDER | {name: value}) == f"Invalid parameter {name}"


@pytest.mark.parametrize("body", [[], "text", 5, None, [ORDER]])
def test_a_body_that_is_no_object_is_refused(body):
    assert refusal(PlaceOrderRequest, body) == "Invalid parameter body"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("0.0001", "0.0001"), ("1e-08", "0.00000001"), (5, "5"), (Decimal("0.1"), "0.1"), ("5.0E-7", "0.0000005")],
)
def test_a_number_may_be_a_string_and_is_never_rounded(written, meant):
    assert PlaceOrderRequest.read(ORDER | {"size": written}).size == Decimal(meant)


def test_what_is_not_given_is_as_the_contract_says():
    order = PlaceOrderRequest.read(ORDER | {"clientId": None, "reduceOnly": None, "positionSide": None})
    assert (order.reduce_only, order.immediate_or_cancel, order.post_only) == (False, False, False)
    assert (order.client_id, order.reject_after, order.position_side) == (None, None, None)


def test_unknown_fields_are_ignored_also_those_that_are_spelt_like_ours():
    order = PlaceOrderRequest.read(ORDER | {"retryUntilFilled": True, "reduce_only": True, "client_id": 5})
    assert (order.reduce_only, order.client_id) == (False, None)


@pytest.mark.parametrize("leverage", ["ten", 2.5, "2.5", True, [], {}])
def test_a_leverage_that_is_no_whole_number_is_invalid_in_the_contracts_words(leverage):
    assert refusal(LeverageRequest, {"leverage": leverage}) == "Invalid leverage"


def test_a_leverage_may_be_written_as_a_string_or_with_a_decimal_point():
    assert [LeverageRequest.read({"leverage": given}).leverage for given in (5, "5", Decimal("5.0"))] == [5, 5, 5]
    assert refusal(LeverageRequest, {}) == "Missing parameter leverage"


@pytest.mark.parametrize("mode", ["one-way", "HEDGE", 1])
def test_a_position_mode_is_one_of_two(mode):
    assert refusal(PositionModeRequest, {"mode": mode}) == "Invalid parameter mode"


@pytest.mark.parametrize(
    ("model", "fields", "name"),
    [
        (OrderBookQuery, {"depth": "0"}, "depth"),
        (OrderBookQuery, {"depth": "101"}, "depth"),
        (OrderBookQuery, {"depth": "ten"}, "depth"),
        (FillsQuery, {"limit": "1001"}, "limit"),
        (FillsQuery, {"limit": "0"}, "limit"),
        (FillsQuery, {"order": "up"}, "order"),
        (FillsQuery, {"orderId": "x"}, "orderId"),
        (FillsQuery, {"start_time": "yesterday"}, "start_time"),
        (FillsQuery, {"end_time": "nan"}, "end_time"),
        (OrderHistoryQuery, {"side": "long"}, "side"),
        (OrderHistoryQuery, {"orderType": "stop"}, "orderType"),
        (CandlesQuery, {"resolution": "61"}, "resolution"),
    ],
)
def test_a_query_that_does_not_fit_is_refused_by_its_name(model, fields, name):
    assert refusal(model, fields) == f"Invalid parameter {name}"


def test_a_query_without_what_it_needs_is_refused():
    assert refusal(CandlesQuery, {}) == "Missing parameter resolution"


def test_seconds_may_have_a_fraction():
    assert FillsQuery.read({"start_time": "1626993904.1557314"}).start_time == Decimal("1626993904.1557314")
