"""REST and WebSocket connections as Acme needs them: with a deadline, exact numbers, and the venue's own words.

They are built by `acme_perpetual_web_utils.build_api_factory`, and stand where Hummingbot's own assistants stand.
"""

import asyncio
import atexit
import math
from functools import cached_property
from typing import Any, Awaitable, Callable, Mapping, Optional
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_servers as servers,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.time_synchronizer import TimeSynchronizer
from hummingbot.connector.utils import TimeSynchronizerRESTPreProcessor
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
from hummingbot.core.web_assistant.connections.data_types import RESTRequest, RESTResponse, WSRequest, WSResponse
from hummingbot.core.web_assistant.connections.rest_connection import RESTConnection
from hummingbot.core.web_assistant.connections.ws_connection import WSConnection
from hummingbot.core.web_assistant.rest_assistant import RESTAssistant
from hummingbot.core.web_assistant.rest_post_processors import RESTPostProcessorBase
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant
from hummingbot.core.web_assistant.ws_pre_processors import WSPreProcessorBase

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500


class AcmeRequestError(IOError):
    """A request that did not bring its result.

    `outcome_unknown` tells whether the venue may have carried it out all the same: a placement or a cancel that ends
    so is in doubt until the venue was asked again.
    """

    outcome_unknown = True


class AcmeApiError(AcmeRequestError):
    """The venue's refusal. Its text is the venue's words (Acme API §7), and what to do where those don't say it.

    :param status: the HTTP status
    :param message: the `error` of the answer, exactly
    :param retry_after: seconds to wait before asking again, where the venue said so (Acme API §3)
    """

    def __init__(self, status: int, message: str, retry_after: Optional[float] = None):
        explanation = CONSTANTS.EXPLANATIONS.get(message)
        super().__init__(f"{message} ({explanation})" if explanation else message)
        self.status = status
        self.message = message
        self.retry_after = retry_after
        # Below 500 the venue says that it did nothing; at 500 not even the venue knows (Acme API §7).
        self.outcome_unknown = status >= SERVER_ERROR

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.status}, {self.message!r})"


class AcmeNoAnswerError(AcmeRequestError):
    """The request went out, and no answer of the venue's came: the deadline passed, the connection broke, or what
    came was not Acme's."""


class AcmeNotSentError(AcmeRequestError, ConnectionError):
    """No connection could be made: the venue never heard of the request."""

    outcome_unknown = False


class RunningDeadline:
    """Ends what is done in it with TimeoutError after so many seconds in which the event loop ran.

    Hummingbot's recorder works within the event loop, and a machine may be busy: while the loop is held up, an answer
    that is there already cannot be read. That is not the venue's silence, and does not count, within a limit.
    """

    def __init__(self, seconds: float):
        self._left = seconds
        self._most = seconds * CONSTANTS.DEADLINE_STRETCH
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self):
        await self._timeout.__aenter__()
        self._loop = asyncio.get_running_loop()
        self._ends = self._loop.time() + self._most
        self._come_back()

    async def __aexit__(self, *error):
        self._timer.cancel()
        return await self._timeout.__aexit__(*error)

    def _come_back(self):
        self._step = min(self._left, CONSTANTS.DEADLINE_STEP)
        self._timer = self._loop.call_later(self._step, self._count)

    def _count(self):
        held_up = self._loop.time() - self._timer.when()
        if held_up < CONSTANTS.LOOP_HELD_UP or self._loop.time() >= self._ends:
            self._left -= self._step
        if self._left > 0 and self._loop.time() < self._ends:
            self._come_back()
        else:
            self._timeout.reschedule(self._loop.time())


class AcmeRESTResponse(RESTResponse):
    """An answer that was read to its end, within the request's deadline. Its numbers are exact."""

    def __init__(self, aiohttp_response: aiohttp.ClientResponse, body: str):
        super().__init__(aiohttp_response)
        self._body = body

    async def json(self) -> Any:
        """The answer's JSON, with every number that is not an integer as the `Decimal` of its text.

        :raises ValueError: when it is not JSON
        """
        return self._parsed_body

    async def text(self) -> str:
        return self._body

    @cached_property
    def _parsed_body(self) -> Any:
        return wire.exact_json(self._body)


def environment_proxy(url: URL) -> Optional[str]:
    """The proxy that the user's environment has for a URL (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`); None for none.

    A WebSocket goes the way of its scheme's requests. What is on this machine is never asked for elsewhere, whatever
    `NO_PROXY` leaves out.
    """
    host = url.host or ""
    if servers.is_loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get("https" if url.scheme in ("https", "wss") else "http")


class DeadlineRESTConnection(RESTConnection):
    """Sends one request, and has its whole answer by its deadline or not at all."""

    async def call(self, request: RESTRequest) -> AcmeRESTResponse:
        """
        :raises AcmeNotSentError: when there is no connection to be had
        :raises AcmeNoAnswerError: when the connection breaks, or the deadline passes (`TRADING_REQUEST_DEADLINE` for
            placing and cancelling, `REQUEST_DEADLINE` for everything else)
        """
        name = f"{request.method} {URL(request.url).path}"
        trading = request.throttler_limit_id in CONSTANTS.TRADING_LIMIT_IDS
        deadline = CONSTANTS.TRADING_REQUEST_DEADLINE if trading else CONSTANTS.REQUEST_DEADLINE
        try:
            async with RunningDeadline(deadline):
                return await self._exchange(request)
        except TimeoutError:
            raise AcmeNoAnswerError(f"No answer to {name} within {deadline:g} s.") from None
        except aiohttp.ClientConnectorError as error:
            raise AcmeNotSentError(f"No connection for {name}: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise AcmeNoAnswerError(f"The connection broke during {name}: {error or type(error).__name__}") from error

    async def _exchange(self, request: RESTRequest) -> AcmeRESTResponse:
        answer = await self._client_session.request(
            method=request.method.value,
            url=request.url,
            params=request.params,
            data=request.data,
            headers=request.headers,
            proxy=environment_proxy(URL(request.url)),
            allow_redirects=False,  # a signed request is for the configured server only
        )
        return AcmeRESTResponse(answer, await answer.text(errors="replace"))


class AcmeWSConnection(WSConnection):
    """A WebSocket whose messages arrive as the text they are: whoever reads them knows whether they hold money."""

    async def connect(
        self,
        ws_url: str,
        ping_timeout: Optional[float] = None,
        message_timeout: Optional[float] = None,
        ws_headers: Optional[Mapping[str, str]] = None,
        max_msg_size: Optional[int] = None,
    ):
        """As in the parent class, and through the user's proxy."""
        self._ensure_not_connected()
        opened = self._client_session.ws_connect(
            ws_url,
            heartbeat=ping_timeout,
            autoping=False,
            proxy=environment_proxy(URL(ws_url)),
            headers=ws_headers,
            max_msg_size=max_msg_size,
        )
        self._connection, self._message_timeout = await opened, message_timeout
        self._connected = True

    async def receive(self) -> Optional[WSResponse]:
        """The next text. What is none (a ping, a goodbye, an error) is the parent class's to deal with."""
        self._ensure_connected()
        while self._connected:
            message = await self._connection.receive(self._message_timeout)
            if message.type is aiohttp.WSMsgType.TEXT:
                self._update_last_recv_time(message)
                return WSResponse(message.data)
            if await self._process_message(message) is not None:
                return self._build_resp(message)
        return None

    async def disconnect(self):
        """Closes, without waiting for the goodbye of a peer that may be gone."""
        try:
            async with asyncio.timeout(CONSTANTS.CLOSE_DEADLINE):
                await super().disconnect()
        except TimeoutError:
            self._connection = None
            self._connected = False

    @staticmethod
    def _build_resp(msg: aiohttp.WSMessage) -> WSResponse:
        return WSResponse(msg.data)


class AcmeConnectionsFactory(ConnectionsFactory):
    """Makes Acme's connections, over an HTTP session of their own."""

    _instance = None  # or the parent's single instance would be returned, which makes the parent's connections
    _shared_client: Optional[aiohttp.ClientSession]
    _session_loop: Optional[asyncio.AbstractEventLoop] = None

    async def get_rest_connection(self) -> RESTConnection:
        return DeadlineRESTConnection(await self._get_shared_client())

    async def get_ws_connection(self) -> WSConnection:
        return AcmeWSConnection(self._ws_independent_session or await self._get_shared_client())

    async def _get_shared_client(self) -> aiohttp.ClientSession:
        # A session belongs to the event loop it was made in, and the `hbot` commands run several in one process.
        loop = asyncio.get_running_loop()
        if self._shared_client is None or self._shared_client.closed or self._session_loop is not loop:
            if self._session_loop is not None and self._session_loop.is_closed():
                await self.close()
            self._shared_client, self._session_loop = aiohttp.ClientSession(), loop
        return self._shared_client

    def close_at_exit(self):
        """Closes what is still open when the process ends, which otherwise ends with complaints on the terminal."""
        if self._session_loop is not None and self._session_loop.is_closed():
            asyncio.run(self.close())


atexit.register(AcmeConnectionsFactory().close_at_exit)


class AcmeRESTAssistant(RESTAssistant):
    """Turns the venue's refusals into `AcmeApiError`, and comes back when a 429 says so."""

    async def execute_request_and_get_response(self, *args, return_err: bool = False, **kwargs) -> RESTResponse:
        """As in the parent class; with `return_err` a refusal is returned instead of raised.

        A 429 changed nothing at the venue (Acme API §3), so repeating the request is safe, a placement's too. Each
        repetition is signed anew and counted by the throttler.

        :raises AcmeApiError: when the venue refuses
        :raises AcmeNoAnswerError: when there is no answer, or one that is not Acme's
        :raises AcmeNotSentError: when there is no connection
        """
        for retries_left in reversed(range(CONSTANTS.RATE_LIMIT_RETRIES + 1)):
            response = await super().execute_request_and_get_response(*args, return_err=True, **kwargs)
            refusal = await refusal_in(response)
            if refusal is None or return_err:
                return response
            retry_after = getattr(refusal, "retry_after", None)
            if not retries_left or retry_after is None or retry_after > CONSTANTS.LONGEST_RETRY_AFTER:
                raise refusal
            await self._sleep(retry_after)

    async def call(self, request: RESTRequest, timeout: Optional[float] = None) -> RESTResponse:
        """As in the parent class, which copies the request first, although it was made for this call."""
        request = await self._authenticate(await self._pre_process_request(request))
        async with asyncio.timeout(timeout):
            response = await self._connection.call(request)
        return await self._post_process_response(response)

    async def _sleep(self, delay: float):
        await asyncio.sleep(delay)


class AcmeWSAssistant(WSAssistant):
    """Passes on what the connection brings, as it is: there is nobody to work on it in between."""

    def receive(self) -> Awaitable[Optional[WSResponse]]:
        return self._connection.receive()


class AcmeWebAssistantsFactory(WebAssistantsFactory):
    """Makes the assistants that the connector's data sources and requests use."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, connections_factory=AcmeConnectionsFactory(), **kwargs)

    async def get_rest_assistant(self) -> RESTAssistant:
        return AcmeRESTAssistant(
            connection=await self._connections_factory.get_rest_connection(),
            throttler=self._throttler,
            rest_pre_processors=self._rest_pre_processors,
            rest_post_processors=self._rest_post_processors,
            auth=self._auth,
        )

    async def get_ws_assistant(self) -> WSAssistant:
        return AcmeWSAssistant(
            connection=await self._connections_factory.get_ws_connection(),
            ws_pre_processors=self._ws_pre_processors,
            auth=self._auth,
        )


class ClockRESTPreProcessor(TimeSynchronizerRESTPreProcessor):
    """Asks for the server's time before the first signed request. Public requests need no clock, so they don't ask."""

    async def pre_process(self, request: RESTRequest) -> RESTRequest:
        return await super().pre_process(request) if request.is_auth_required else request


class ClockWSPreProcessor(WSPreProcessorBase):
    """Asks for the server's time before a login, when no other request did yet."""

    def __init__(self, synchronizer: TimeSynchronizer, time_provider: Callable[[], Awaitable[float]]):
        self._synchronizer = synchronizer
        self._time_provider = time_provider

    async def pre_process(self, request: WSRequest) -> WSRequest:
        if request.is_auth_required:
            await self._synchronizer.update_server_time_if_not_initialized(time_provider=self._time_provider())
        return request


class ClockRESTPostProcessor(RESTPostProcessorBase):
    """Forgets the clock that the venue finds wrong, so that the next signed request asks for the time.

    The synchronizer averages its last five samples: one new sample among four from before the clock jumped would leave
    it wrong by most of the jump.
    """

    def __init__(self, synchronizer: TimeSynchronizer):
        self._synchronizer = synchronizer

    async def post_process(self, response: RESTResponse) -> RESTResponse:
        refusal = await refusal_in(response)
        if refusal is not None and is_clock_error(refusal):
            self._synchronizer.clear_time_offset_ms_samples()
        return response


def says(error: Exception, text: str) -> bool:
    """Whether an exception is the venue's refusal with this text (Acme API §7)."""
    return isinstance(error, AcmeApiError) and error.message == text


def is_clock_error(error: Exception) -> bool:
    """Whether the venue refused a request because its timestamp is too far from the venue's clock (Acme API §2)."""
    return isinstance(error, AcmeApiError) and CONSTANTS.CLOCK_ERROR in error.message


async def refusal_in(response: RESTResponse) -> Optional[AcmeRequestError]:
    """The error that an answer is, or None when it is a success (Acme API §1)."""
    try:
        body = await response.json()
    except ValueError:
        body = None
    message = wire.error_message(body)
    if message is not None or response.status >= 400:
        return AcmeApiError(response.status, message or f"HTTP status {response.status}", _retry_after(response))
    if not wire.is_success(body):
        return AcmeNoAnswerError(
            f"The answer to {response.method} {URL(response.url).path} (HTTP status {response.status}) is not one of "
            "the Acme API. Is acme_perpetual_server the address of an Acme server?"
        )
    return None


def _retry_after(response: RESTResponse) -> Optional[float]:
    if response.status != TOO_MANY_REQUESTS:
        return None
    headers: Mapping[str, str] = response.headers or {}
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return CONSTANTS.DEFAULT_RETRY_AFTER
    return seconds if math.isfinite(seconds) and seconds >= 0 else CONSTANTS.DEFAULT_RETRY_AFTER
