"""Writes down what has to be known after a `kill -9`, and Hummingbot does not keep.

Hummingbot saves the orders that it tracks whenever something is reported of one. A placement that was sent, and of
which nothing was reported yet, is in none of its files; nor is how far funding payments were reported.

The files are in Hummingbot's data folder, for their owner alone. They hold what was traded, but neither key nor secret.
"""

import atexit
import fcntl
import json
import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Dict, Iterable, Mapping, Optional, Set

import msgspec

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot import data_path
from hummingbot.core.data_type.in_flight_order import InFlightOrder

PRIVATE = 0o600
PLACED = "placed"
SETTLED = "settled"


def account_name(*distinction: Optional[str]) -> str:
    """A name for an account, to be used in the names of files: of the words that tell it from others, none of which can
    be read from it."""
    return sha256("\n".join(word or "" for word in distinction).encode()).hexdigest()[:16]


class PlacementJournal:
    """The placements whose outcome is not on record yet.

    Each process writes a file of its own, and holds it locked for as long as it lives, however it ends: a file that is
    not locked was left behind, and what is in it became nobody's. So bots that share a data folder and an account never
    take each other's orders.

    A line is with the system once it is written, which a killed process does not undo. It is not waited for the disk:
    where the machine itself fails, an order may be forgotten.

    :param account: the name of the account, as `account_name` makes it
    :param folder: where the file is; by default Hummingbot's data folder, as it is when there is something to write
    """

    def __init__(self, account: str, folder: Optional[Path] = None):
        self._stem = f"{CONSTANTS.EXCHANGE_NAME}.{account}"
        self._folder = folder
        self._file: Optional[IO[bytes]] = None
        self._open: Set[str] = set()

    def note(self, order: InFlightOrder):
        """To be called before an order's placement is sent.

        :raises OSError: when it cannot be written: the placement must not be sent then
        """
        self._note(order.client_order_id, order.to_json())

    def settle(self, client_order_id: str):
        """To be called when Hummingbot has on record what became of a placement; of any other order it does nothing."""
        if client_order_id not in self._open:
            return
        self._open.remove(client_order_id)
        if self._open:
            self._write({SETTLED: client_order_id})
        elif self._file:
            self._file.truncate(0)

    def inherit(self) -> Dict[str, Dict[str, Any]]:
        """Takes over the placements of this account that processes left behind which are gone.

        :return: by client order id, each order as Hummingbot saves it; they are in this journal until they are settled
        :raises OSError: when the files cannot be read, or written
        """
        inherited: Dict[str, Dict[str, Any]] = {}
        for path in sorted(_folder(self._folder).glob(f"{CONSTANTS.EXCHANGE_NAME}.*.placements")):
            is_ours = path.name.startswith(f"{self._stem}.")
            with suppress(FileNotFoundError, BlockingIOError), path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_removed(file):
                    continue  # another process has just taken it over
                if not is_ours and os.fstat(file.fileno()).st_size:
                    continue  # of another account, whose bot takes it over; but nobody needs an empty one
                for order_id, state in _unsettled(file).items():
                    self._note(order_id, state)
                    inherited[order_id] = state
                path.unlink()
        return inherited

    def _note(self, client_order_id: str, state: Dict[str, Any]):
        self._write({PLACED: client_order_id, "order": state})
        self._open.add(client_order_id)

    def _write(self, entry: Dict[str, Any]):
        if self._file is None:
            self._file = self._own_file()
            atexit.register(_remove_when_empty, Path(self._file.name))
        self._file.write(msgspec.json.encode(entry) + b"\n")

    def _own_file(self) -> IO[bytes]:
        while True:
            path = _folder(self._folder) / f"{self._stem}.{secrets.token_hex(4)}.placements"
            file = open(path, "a+b", buffering=0, opener=_own)
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_removed(file):
                return file
            file.close()  # before it was locked, a process that inherits took it for one that was left behind


class FundingMemory:
    """How far the funding payments of an account were reported: the time of each pair's last one, in seconds since the
    epoch, 0 where there was none yet.

    :param account: the name of the account, as `account_name` makes it
    :param folder: where the file is; by default Hummingbot's data folder
    """

    def __init__(self, account: str, folder: Optional[Path] = None):
        self._name = f"{CONSTANTS.EXCHANGE_NAME}.{account}.funding"
        self._folder = folder
        self._written: Dict[str, float] = {}

    def recall(self) -> Dict[str, float]:
        """The times that were written last; none where the file is unreadable."""
        with suppress(OSError, ValueError, TypeError, AttributeError):
            times = json.loads((_folder(self._folder) / self._name).read_text(encoding="utf-8"))
            self._written = {str(pair): float(time) for pair, time in times.items()}
        return dict(self._written)

    def keep(self, times: Mapping[str, float]):
        """Writes these beside the times of other pairs. Raises OSError when they cannot be written."""
        known = {**self._written, **times}
        if known == self._written:
            return
        path = _folder(self._folder) / self._name
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w", encoding="utf-8") as file:
            json.dump(known, file)
        unfinished.replace(path)
        self._written = known


def _folder(chosen: Optional[Path]) -> Path:
    return Path(data_path()) if chosen is None else chosen


def _own(name: str, _: int) -> int:
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, PRIVATE)


def _is_removed(file: IO[bytes]) -> bool:
    return not os.fstat(file.fileno()).st_nlink


def _remove_when_empty(path: Path):
    """At the process's end, when the journal's file may be closed, or gone."""
    with suppress(OSError):
        if not path.stat().st_size:
            path.unlink()


def _unsettled(lines: Iterable[bytes]) -> Dict[str, Dict[str, Any]]:
    orders: Dict[str, Dict[str, Any]] = {}
    for line in lines:
        with suppress(ValueError):  # a line that was not written to its end belongs to a placement that was not sent
            entry = json.loads(line)
            if PLACED in entry:
                orders[entry[PLACED]] = entry["order"]
            else:
                orders.pop(entry[SETTLED], None)
    return orders
