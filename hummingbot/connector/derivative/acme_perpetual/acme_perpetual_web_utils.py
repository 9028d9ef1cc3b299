"""Builds the venue's URLs and the factory of its connections, and asks for the server's time."""

from decimal import Decimal
from typing import Callable, Optional
from urllib.parse import quote

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import acme_perpetual_wire as wire
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_throttler import AcmeThrottler
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_web_assistants import (
    AcmeNotSentError,
    AcmeWebAssistantsFactory,
    ClockRESTPostProcessor,
    ClockRESTPreProcessor,
    ClockWSPreProcessor,
)
from hummingbot.connector.time_synchronizer import TimeSynchronizer
from hummingbot.core.api_throttler.async_throttler_base import AsyncThrottlerBase
from hummingbot.core.web_assistant.auth import AuthBase
from hummingbot.core.web_assistant.connections.data_types import RESTMethod
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory


def server_url(domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """The address of the server that `domain` stands for, such as `http://127.0.0.1:8600`: no slash at its end.

    A connector's domain *is* its server's address, so that everything Hummingbot hands the domain to (throttler,
    trackers, `get_current_server_time`) reaches the configured server; `DEFAULT_DOMAIN` is the default server's name.

    :raises AcmeNotSentError: when no server is known
    """
    if domain == CONSTANTS.UNKNOWN_DOMAIN:
        raise AcmeNotSentError(
            f"No Acme server is known. Connect {CONSTANTS.EXCHANGE_NAME}, or name a server in the environment: "
            f"{CONSTANTS.SERVER_VARIABLE}={CONSTANTS.DEFAULT_SERVER}"
        )
    return CONSTANTS.REST_URLS.get(domain, domain)


def filled_path(path_url: str, **names: str) -> str:
    """A path of the constants with its braces filled in: `filled_path("/orders/{order_id}", order_id="7")`. What would
    mean something in a URL, such as the slash of `BTC/USD`, is escaped (Acme API §1)."""
    return path_url.format(**{name: quote(value, safe="") for name, value in names.items()})


def public_rest_url(path_url: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """The URL of a REST endpoint (Acme API §1); `path_url` is one of the constants, its braces filled in."""
    return f"{server_url(domain)}{CONSTANTS.API_PATH}{path_url}"


def private_rest_url(path_url: str, domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """The same as `public_rest_url`: Acme serves both from one place."""
    return public_rest_url(path_url, domain)


def wss_url(domain: str = CONSTANTS.DEFAULT_DOMAIN) -> str:
    """The URL of the WebSocket, public and private (Acme API §1): `ws` for an http server, `wss` for an https one."""
    return "ws" + server_url(domain).removeprefix("http") + CONSTANTS.WS_PATH


def create_throttler(limits_share_percentage: Optional[Decimal] = None) -> AsyncThrottlerBase:
    """A throttler with the venue's rate limits (Acme API §3), or with this percentage of them."""
    return AcmeThrottler(CONSTANTS.RATE_LIMITS, limits_share_percentage)


def build_api_factory(
    throttler: Optional[AsyncThrottlerBase] = None,
    time_synchronizer: Optional[TimeSynchronizer] = None,
    time_provider: Optional[Callable] = None,
    auth: Optional[AuthBase] = None,
    domain: str = CONSTANTS.DEFAULT_DOMAIN,
) -> WebAssistantsFactory:
    """A factory whose REST and WebSocket assistants sign what needs it, with the server's clock.

    :param time_provider: returns an awaitable of the server's time in milliseconds; by default the venue is asked
    """
    throttler = throttler or create_throttler()
    time_synchronizer = time_synchronizer or TimeSynchronizer()
    time_provider = time_provider or (lambda: get_current_server_time(throttler=throttler, domain=domain))
    return AcmeWebAssistantsFactory(
        throttler=throttler,
        auth=auth,
        rest_pre_processors=[ClockRESTPreProcessor(time_synchronizer, time_provider)],
        rest_post_processors=[ClockRESTPostProcessor(time_synchronizer)],
        ws_pre_processors=[ClockWSPreProcessor(time_synchronizer, time_provider)],
    )


def build_api_factory_without_time_synchronizer_pre_processor(throttler: AsyncThrottlerBase) -> WebAssistantsFactory:
    """A factory for public requests, which need no clock; asking for the time is one of them."""
    return AcmeWebAssistantsFactory(throttler=throttler)


async def get_current_server_time(
    throttler: Optional[AsyncThrottlerBase] = None, domain: str = CONSTANTS.DEFAULT_DOMAIN
) -> float:
    """The venue's clock (`GET /time`, Acme API §4), in milliseconds since the epoch.

    :raises IOError: when the venue does not answer, or refuses
    :raises ValueError: when its answer is no time
    """
    factory = build_api_factory_without_time_synchronizer_pre_processor(throttler or create_throttler())
    rest_assistant = await factory.get_rest_assistant()
    answer = await rest_assistant.execute_request(
        url=public_rest_url(CONSTANTS.SERVER_TIME_PATH_URL, domain),
        throttler_limit_id=CONSTANTS.SERVER_TIME_PATH_URL,
        method=RESTMethod.GET,
    )
    return wire.timestamp(wire.result(answer)) * 1e3
