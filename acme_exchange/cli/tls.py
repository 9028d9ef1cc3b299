"""Reads the certificate of `--tls-cert` and the key of `--tls-key`, and says in a sentence what is wrong with them."""

import re
import ssl
from pathlib import Path

from acme_exchange.input.errors import UserError

CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class TlsUnusable(UserError):
    """A certificate or key cannot be used; the text says why, and what to do."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Makes the TLS context in which the venue serves.

    :param certificate: PEM, the server's own first, then those that lead to the authority that clients trust.
    :param key: PEM, of the server's certificate, without a passphrase.
    :raises TlsUnusable: naming the option and what to write.
    """
    for option, path in (("--tls-cert", certificate), ("--tls-key", key)):
        _require_readable(option, path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, password=_refuse_passphrase)
    except ssl.SSLError as error:
        raise TlsUnusable(_reason(error, certificate, key)) from None
    return context


def certificates(path: Path) -> str:
    """The certificates in a PEM file, without the key that may stand beside them."""
    return "\n".join(CERTIFICATE.findall(path.read_text(encoding="ascii", errors="ignore")))


def _require_readable(option: str, path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise TlsUnusable(f"{path}: cannot be read ({error.strerror}); name a PEM file with {option}.") from None


def _refuse_passphrase() -> str:
    raise TlsUnusable(
        "The key of --tls-key has a passphrase, and a venue that starts by itself cannot be asked for it; "
        "name a key without one, in a file that only you can read."
    )


def _reason(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{key}: is not the key of the certificate in {certificate}; name the two that belong together."
    return (
        f"{certificate} or {key}: is no certificate, or no key, in PEM form ({error.reason or 'nothing found'}); "
        'write the file that begins with "-----BEGIN CERTIFICATE-----" after --tls-cert, and its key after --tls-key.'
    )
