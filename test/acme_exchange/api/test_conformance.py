"""The running venue does what its description says: schemathesis asks it, and judges its answers."""

import hashlib
import hmac
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from acme_exchange.api.openapi import describe
from acme_exchange.api.routes import ROUTES
from test.acme_exchange.threads import venue_in_thread
from test.acme_exchange.venue import MORNING, ManualClock, RunningVenue
from test.thoroughness import examples

DESCRIPTION = describe(ROUTES)
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


class Signed(requests.auth.AuthBase):
    """Signs as Acme API §2 says."""

    def __init__(self, running: RunningVenue) -> None:
        self._running = running

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        timestamp = str(self._running.clock.now() // 1000)
        body = request.body or b""
        text = body.encode() if isinstance(body, str) else body
        signed = f"{timestamp}{request.method}{request.path_url}".encode() + text
        request.headers["ACME-KEY"] = "alice-key"
        request.headers["ACME-TS"] = timestamp
        request.headers["ACME-SIGN"] = hmac.new(b"alice-secret", signed, hashlib.sha256).hexdigest()
        return request


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    """With books to trade on, and a clock that each request moves."""
    with venue_in_thread(clock=ManualClock(MORNING), liquidity=True) as running:
        yield running


@pytest.fixture(scope="module")
def session(venue: RunningVenue) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@SCHEMA.parametrize()
@settings(
    max_examples=examples(10), derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
def test_answers_are_as_described(case: schemathesis.Case, venue: RunningVenue, session: requests.Session) -> None:
    """A second after the request before, so that no limit is reached; signed, unless the headers are what is wrong."""
    venue.clock.advance(1)
    headers = case.meta.components.get(ParameterLocation.HEADER)
    auth = None if headers is not None and headers.mode.is_negative else Signed(venue)
    case.call_and_validate(base_url=venue.url, session=session, auth=auth, checks=CHECKS)


def test_this_is_the_description_that_is_served(venue: RunningVenue, session: requests.Session) -> None:
    assert session.get(f"{venue.url}/api/openapi.json").json() == DESCRIPTION
