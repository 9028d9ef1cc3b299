"""Reads a JSON file that somebody wrote."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from acme_exchange.input.errors import UserError


def read_list(path: Path, what: str, error: type[UserError]) -> list[Any]:
    """The entries of a JSON list.

    :param what: what the list is of, such as "accounts", for whoever has to mend it.
    :raises UserError: of the kind given: the file cannot be read, or is none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as reason:
        raise error(f"{path}: cannot be read ({reason.strerror}); name a JSON list of {what}") from None
    except UnicodeDecodeError:
        raise error(f"{path}: is not UTF-8 text; write a JSON list of {what}") from None
    except json.JSONDecodeError as reason:
        raise error(f"{path}, line {reason.lineno}: is not JSON ({reason.msg})") from None
    except (RecursionError, ValueError):
        raise error(
            f"{path}: is nested too deeply, or has a number that is too long; write a JSON list of {what}"
        ) from None
    if not isinstance(found, list):
        raise error(f"{path}: write a JSON list of {what}")
    return found
