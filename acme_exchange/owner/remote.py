"""Sends the owner's requests to a venue that runs, and says in a sentence why one has failed."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Literal

from acme_exchange.api.wire import codec
from acme_exchange.input.errors import UserError
from acme_exchange.owner.access import AdminAccess

PATIENCE_SECONDS = 30


class NotRunning(UserError):
    """No venue is at that address any more, or another one: the file that led there is left over."""


class AdministrationError(UserError):
    """What was asked was not done, or it is not known whether it was; the text says which."""


def ask(
    access: AdminAccess,
    method: Literal["GET", "POST", "DELETE"],
    path: str,
    fields: Mapping[str, Any] | None = None,
    patience: float = PATIENCE_SECONDS,
) -> Any:
    """The `result` of a request below `/admin`.

    :param fields: of the JSON body.
    :param patience: seconds.
    :raises NotRunning: there is no such venue; nothing was done.
    :raises AdministrationError: it refused, or it is not known what it did.
    """
    unknown = AdministrationError(
        f"The venue at {access.url} did not answer: it is not known whether that was done; look before you repeat it"
    )
    try:
        with _open(access, method, path, None if fields is None else codec.encode(dict(fields)), patience) as response:
            return codec.decode(response.read())["result"]
    except urllib.error.HTTPError as error:
        if error.code == 403:
            raise NotRunning(f"The venue at {access.url} is another one.") from None
        raise AdministrationError(f"Nothing was done: {_reason(error)}") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            raise NotRunning(f"No venue listens at {access.url}.") from None
        raise unknown from None
    except (OSError, ValueError, KeyError):
        raise unknown from None


def _open(access: AdminAccess, method: str, path: str, body: bytes | None, patience: float) -> Any:
    """The venue is on this machine, whatever proxy the user has for the rest of the world. It is known by its
    certificate itself, whatever names that is for and whoever has signed it."""
    request = urllib.request.Request(
        f"{access.url}/admin{path}", data=body, method=method, headers={"Authorization": f"Bearer {access.token}"}
    )
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if access.certificate is not None:
        handlers.append(urllib.request.HTTPSHandler(context=_trusting(access.certificate)))
    return urllib.request.build_opener(*handlers).open(request, timeout=patience)


def _trusting(certificate: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["error"])
    except (OSError, ValueError, KeyError):
        return f"the venue answered {error.code}"
