"""How the owner's commands reach a venue that runs: its address and a token, in a file that only the owner can read."""

import json
import os
import secrets
import ssl
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE_NAME = "admin.json"


@dataclass(frozen=True)
class AdminAccess:
    """What a command needs to be let in. The token appears in no representation.

    :ivar url: the venue's, without a path.
    :ivar certificate: what the venue shows its clients, PEM; None where it is reached without TLS.
    """

    url: str
    token: str = field(repr=False)
    certificate: str | None = None

    def open(self, path: str, patience: float, body: bytes | None = None, method: str | None = None) -> Any:
        """Asks the venue, as its owner; a `POST` when there is a body, else a `GET`, unless it is said.

        The venue is on this machine, whatever proxy the user has for the rest of the world. It is known by its
        certificate itself, whatever names that is for and whoever has signed it.

        :param path: below `/admin`.
        :param patience: seconds.
        :returns: the response, to be used as a context.
        :raises OSError: as `urllib.request` does.
        """
        request = urllib.request.Request(
            f"{self.url}/admin{path}", data=body, method=method, headers={"Authorization": f"Bearer {self.token}"}
        )
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self.certificate is not None:
            handlers.append(urllib.request.HTTPSHandler(context=_trusting(self.certificate)))
        return urllib.request.build_opener(*handlers).open(request, timeout=patience)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def write_access(path: Path, access: AdminAccess) -> None:
    """Leaves the access in a file of its owner's, in one step: whoever reads it reads all of it.

    :raises OSError: the file cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"url": access.url, "token": access.token, "certificate": access.certificate}, file)
    unfinished.replace(path)


def read_access(path: Path) -> AdminAccess | None:
    """The access that a running venue left; None when there is none, or it is of no use."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return AdminAccess(fields["url"], fields["token"], fields["certificate"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remove_access(path: Path) -> None:
    """The venue has ended."""
    with suppress(OSError):
        path.unlink()


def _trusting(certificate: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
