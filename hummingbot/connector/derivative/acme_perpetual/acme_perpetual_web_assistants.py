"""Makes REST and WebSocket connections as Acme needs them: with a deadline, exact numbers, and the venue's own words.

They are built by `acme_perpetual_web_utils.build_api_factory`, and stand where Hummingbot's own assistants stand.
"""

import asyncio
import atexit
import math
from functools import cached_property
from typing import Any, Awaitable, Callable, Dict, Mapping, Optional, Type
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_servers as servers,
    acme_perpetual_wire as wire,
)
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_kept_connections import Answer, KeptConnections
from hummingbot.connector.time_synchronizer import TimeSynchronizer
from hummingbot.connector.utils import TimeSynchronizerRESTPreProcessor
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
from hummingbot.core.web_assistant.connections.data_types import (
    RESTMethod,
    RESTRequest,
    RESTResponse,
    WSRequest,
    WSResponse,
)
from hummingbot.core.web_assistant.connections.rest_connection import RESTConnection
from hummingbot.core.web_assistant.connections.ws_connection import WSConnection
from hummingbot.core.web_assistant.rest_assistant import RESTAssistant
from hummingbot.core.web_assistant.rest_post_processors import RESTPostProcessorBase
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant
from hummingbot.core.web_assistant.ws_pre_processors import WSPreProcessorBase

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
FORM = "application/x-www-form-urlencoded"
# Whoever has put something else in its place (`aioresponses`, what records or traces requests) is to see ours, too.
SESSION_REQUEST = aiohttp.ClientSession._request


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
        self._has_passed = False

    async def __aenter__(self):
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None, "a task is what has a deadline"
        self._task, self._cancellations = task, task.cancelling()
        self._ends = self._loop.time() + self._most
        self._come_back()

    async def __aexit__(self, error_type: Optional[Type[BaseException]], *_):
        self._timer.cancel()
        # Cancelled by somebody else as well, it is to end as whoever was cancelled does.
        is_ours = self._has_passed and self._task.uncancel() <= self._cancellations
        if is_ours and error_type is asyncio.CancelledError:
            raise TimeoutError

    def _come_back(self):
        self._step = min(self._left, CONSTANTS.DEADLINE_STEP)
        self._timer = self._loop.call_later(self._step, self._count)

    def _count(self):
        now = self._loop.time()
        if now - self._timer.when() < CONSTANTS.LOOP_HELD_UP or now >= self._ends:
            self._left -= self._step
        if self._left > 0 and now < self._ends:
            self._come_back()
        else:
            self._has_passed = True
            self._task.cancel()


class AcmeRESTResponse(RESTResponse):
    """An answer that was read to its end, within the request's deadline. Its numbers are exact."""

    def __init__(self, answer: aiohttp.ClientResponse | Answer, body: bytes):
        super().__init__(answer)
        self._body = body

    async def json(self) -> Any:
        """The answer's JSON, with every number that is not an integer as the `Decimal` of its text.

        :raises ValueError: when it is not JSON
        """
        return self.parsed_body

    async def text(self) -> str:
        return self._body.decode(errors="replace")

    @cached_property
    def parsed_body(self) -> Any:
        """The body as `json` returns it; raises likewise."""
        return wire.exact_json(self._body)

    @cached_property
    def refusal(self) -> Optional[AcmeRequestError]:
        """The error that the answer is, or None when it is a success (Acme API §1)."""
        try:
            body = self.parsed_body
        except ValueError:
            body = None
        message = wire.error_message(body)
        status = self.status
        if message is not None or status >= 400:
            return AcmeApiError(status, message or f"HTTP status {status}", _retry_after(self))
        if not wire.is_success(body):
            return AcmeNoAnswerError(
                f"The answer to {self.method} {URL(self.url).path} (HTTP status {status}) is not one of "
                "the Acme API. Is acme_perpetual_server the address of an Acme server?"
            )
        return None


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
    """Sends requests, and has the whole answer of each by its deadline or not at all."""

    def __init__(self, session: aiohttp.ClientSession):
        super().__init__(session)
        self._exchanges = KeptConnections(session)

    def is_over(self, session: aiohttp.ClientSession) -> bool:
        """Whether it is this session's connections over which requests go."""
        return self._client_session is session

    async def call(self, request: RESTRequest) -> AcmeRESTResponse:
        """
        :raises AcmeNotSentError: when there is no connection to be had
        :raises AcmeNoAnswerError: when the connection breaks, or the deadline passes (`TRADING_REQUEST_DEADLINE` for
            placing and cancelling, `REQUEST_DEADLINE` for everything else)
        """
        trading = request.throttler_limit_id in CONSTANTS.TRADING_LIMIT_IDS
        deadline = CONSTANTS.TRADING_REQUEST_DEADLINE if trading else CONSTANTS.REQUEST_DEADLINE
        try:
            async with RunningDeadline(deadline):
                return await self._exchange(request)
        except TimeoutError:
            raise AcmeNoAnswerError(f"No answer to {_name(request)} within {deadline:g} s.") from None
        except aiohttp.ClientConnectorError as error:
            raise AcmeNotSentError(f"No connection for {_name(request)}: {error}") from error
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            raise AcmeNoAnswerError(
                f"The connection broke during {_name(request)}: {error or type(error).__name__}"
            ) from error

    async def _exchange(self, request: RESTRequest) -> AcmeRESTResponse:
        url = URL(request.url)
        if request.params:
            url = url.extend_query(request.params)
        proxy = environment_proxy(url)
        if proxy is not None or aiohttp.ClientSession._request is not SESSION_REQUEST:
            return await self._exchange_through(request, proxy)
        answer = await self._exchanges.exchange(request.method.value, url, request.headers or {}, request.data)
        return AcmeRESTResponse(*answer)

    async def _exchange_through(self, request: RESTRequest, proxy: Optional[str]) -> AcmeRESTResponse:
        answer = await self._client_session.request(
            method=request.method.value,
            url=request.url,
            params=request.params,
            data=request.data,
            headers=request.headers,
            proxy=proxy,
            allow_redirects=False,  # a signed request is for the configured server only
        )
        return AcmeRESTResponse(answer, await answer.read())


def _name(request: RESTRequest) -> str:
    return f"{request.method} {URL(request.url).path}"


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
    _rest_connection: Optional[DeadlineRESTConnection] = None

    async def get_rest_connection(self) -> RESTConnection:
        session = await self._get_shared_client()
        if self._rest_connection is None or not self._rest_connection.is_over(session):
            self._rest_connection = DeadlineRESTConnection(session)
        return self._rest_connection

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
        """Closes what is still open when the process ends, which would otherwise print warnings on the terminal."""
        if self._session_loop is not None and self._session_loop.is_closed():
            asyncio.run(self.close())


atexit.register(AcmeConnectionsFactory().close_at_exit)


class AcmeRESTAssistant(RESTAssistant):
    """Turns the venue's refusals into `AcmeApiError`, and comes back when a 429 says so."""

    async def execute_request(self, *args, **kwargs) -> Any:
        """As in the parent class; see `execute_request_and_get_response`."""
        return (await self.execute_request_and_get_response(*args, **kwargs)).parsed_body

    async def execute_request_and_get_response(
        self,
        url: str,
        throttler_limit_id: str,
        params: Optional[Dict[str, Any]] = None,
        data: Optional[Dict[str, Any]] = None,
        method: RESTMethod = RESTMethod.GET,
        is_auth_required: bool = False,
        return_err: bool = False,
        timeout: Optional[float] = None,
        headers: Optional[Dict[str, Any]] = None,
    ) -> AcmeRESTResponse:
        """As in the parent class; with `return_err` a refusal is returned instead of raised.

        A 429 changed nothing at the venue (Acme API §3), so repeating the request is safe, a placement's too. Each
        repetition is signed anew and counted by the throttler.

        :raises AcmeApiError: when the venue refuses
        :raises AcmeNoAnswerError: when there is no answer, or one that is not Acme's
        :raises AcmeNotSentError: when there is no connection
        """
        body = None if data is None else wire.json_text(data)
        own_headers = {"Content-Type": "application/json" if method is not RESTMethod.GET else FORM, **(headers or {})}
        for retries_left in reversed(range(CONSTANTS.RATE_LIMIT_RETRIES + 1)):
            request = RESTRequest(method, url, None, params, body, own_headers, is_auth_required, throttler_limit_id)
            async with self._throttler.execute_task(limit_id=throttler_limit_id):
                response = await self.call(request, timeout)
            refusal = response.refusal
            if refusal is None or return_err:
                return response
            retry_after = getattr(refusal, "retry_after", None)
            if not retries_left or retry_after is None or retry_after > CONSTANTS.LONGEST_RETRY_AFTER:
                raise refusal
            await self._sleep(retry_after)
        raise AssertionError("the last attempt returns or raises")

    async def call(self, request: RESTRequest, timeout: Optional[float] = None) -> AcmeRESTResponse:
        """As in the parent class, which copies the request first, although it was made for this call."""
        request = await self._authenticate(await self._pre_process_request(request))
        if timeout is None:
            response = await self._connection.call(request)
        else:
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
        is_known = not request.is_auth_required or self._synchronizer._time_offset_ms
        return request if is_known else await super().pre_process(request)


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

    async def post_process(self, response: AcmeRESTResponse) -> AcmeRESTResponse:
        refusal = response.refusal
        if refusal is not None and is_clock_error(refusal):
            self._synchronizer.clear_time_offset_ms_samples()
        return response


def says(error: Exception, text: str) -> bool:
    """Whether an exception is the venue's refusal with this text (Acme API §7)."""
    return isinstance(error, AcmeApiError) and error.message == text


def is_clock_error(error: Exception) -> bool:
    """Whether the venue refused a request because its timestamp is too far from the venue's clock (Acme API §2)."""
    return isinstance(error, AcmeApiError) and CONSTANTS.CLOCK_ERROR in error.message


def _retry_after(response: RESTResponse) -> Optional[float]:
    if response.status != TOO_MANY_REQUESTS:
        return None
    headers: Mapping[str, str] = response.headers or {}
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return CONSTANTS.DEFAULT_RETRY_AFTER
    return seconds if math.isfinite(seconds) and seconds >= 0 else CONSTANTS.DEFAULT_RETRY_AFTER
