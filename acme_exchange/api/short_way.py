"""Answers plainly written orders and cancellations without what aiohttp does for any request: the short way.

Who is asked, what is counted, and what is answered are the same as on the long way, by the same code. What takes the
long way: a request that is not written plainly (`whole_request`), and all of them while faults are set, orders are held
back for a while, or accesses are logged.
"""

import re
from collections.abc import Callable, Mapping

from acme_exchange.api.faults import Faults
from acme_exchange.api.rate_limits import STRANGERS, TooManyRequests
from acme_exchange.api.rest import BASE, PATH_PATTERNS, RestInterface, failed
from acme_exchange.api.routes import ROUTES, Route, cancel_order, cancel_orders, place_order
from acme_exchange.api.strangers import COUNTED, Strangers
from acme_exchange.api.whole_requests import WholeAnswer, WholeRequest, success, written
from acme_exchange.store.progress import Progress
from acme_exchange.venue import Venue

_TAKEN = (place_order, cancel_order, cancel_orders)
_VARIABLE = re.compile(r"/\{(\w+)\}$")
_NO_PATH: Mapping[str, str] = {}


class ShortWay:
    """Answers orders and cancellations."""

    def __init__(self, venue: Venue, rest: RestInterface, strangers: Strangers, faults: Faults) -> None:
        self._venue = venue
        self._rest = rest
        self._strangers = strangers
        self._faults = faults
        self._fixed: dict[tuple[str, str], Route] = {}
        self._variable: dict[tuple[str, str], tuple[Route, str]] = {}
        for route in ROUTES:
            if route.handler in _TAKEN:
                self._add(route, BASE + route.path)

    def answer(self, request: WholeRequest) -> WholeAnswer | None:
        """Carries the request out, and says what is to be answered; None, and nothing has happened, when it has to take
        the long way."""
        route = self._route(request)
        if route is None or self._faults.are_set or self._venue.latency.holds_back:
            return None
        try:
            message = success(self._rest.carry_out(route, request, request.body))
        except Exception as error:
            return self._failed(error, request)
        return WholeAnswer(message, self._venue.progress.recorded, is_authenticated=True)

    def deliver(self, answer: WholeAnswer, send: Callable[[bytes], None]) -> None:
        """Sends an answer once what it tells of is kept; that something went wrong, if it never will be."""
        progress = self._venue.progress
        progress.call(answer.batch, lambda: send(_kept(progress, answer)))

    def _add(self, route: Route, path: str) -> None:
        if (variable := _VARIABLE.search(path)) is not None:
            self._variable[route.method, path[: variable.start()]] = route, variable[1]
        else:
            self._fixed[route.method, path] = route

    def _route(self, request: WholeRequest) -> Route | None:
        """Whose path it is; its variable part is noted in the request."""
        route = self._fixed.get((request.method, request.raw_path))
        if route is not None:
            return route
        start, _, part = request.raw_path.rpartition("/")
        found = self._variable.get((request.method, start))
        if found is None or not re.fullmatch(PATH_PATTERNS.get(found[1], "[^/]+"), part):
            return None
        request.match_info = {found[1]: part}
        return found[0]

    def _failed(self, error: Exception, request: WholeRequest) -> WholeAnswer:
        if COUNTED not in request and not isinstance(error, TooManyRequests):
            try:
                self._strangers.refuse_flood(STRANGERS, request.remote)
            except TooManyRequests as flood:
                error = flood
        answer = failed(error, request.method, request.raw_path)
        return WholeAnswer(written(answer), 0, is_authenticated=False, closes=answer.keep_alive is False)


def _kept(progress: Progress, answer: WholeAnswer) -> bytes:
    if progress.durable < answer.batch and progress.failure is not None:
        return written(failed(progress.failure))
    return answer.message
