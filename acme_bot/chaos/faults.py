"""The faults that strike in the chaos, with the rate of each, and a count of how often each struck."""

from collections import Counter
from pathlib import Path
from typing import Any, Literal

from acme_exchange.input.errors import UserError
from acme_exchange.owner.access import find_access
from acme_exchange.owner.remote import ask

ANSWER_SECONDS = 10
# Shares of requests; of the frames of all sockets; of private frames; of books' frames; and of looks at the clock. The
# venue counts a socket's frames, some fifteen a second, so that one is cut every twenty seconds on average.
FAULTS = (
    "lose-answer=0.05",
    "lose-request=0.03",
    "error-before=0.015",
    "error-after=0.015",
    "too-many-requests=0.02",
    "cut-socket=0.006",
    "drop-frame=0.03",
    "duplicate-frame=0.03",
    "reorder-frame=0.03",
    "corrupt-book=0.02",
    "skew-clock=0.05:3",
    "skew-clock=0.05:-3",
)


class FaultCounts:
    """How often each kind of fault struck, over all the lives of a venue that keeps its data in `folder`."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._of_earlier_lives: Counter[str] = Counter()
        self._of_this_life: Counter[str] = Counter()

    def look(self) -> Counter[str]:
        """Asks the venue, if it runs, and returns all there were."""
        faults = self._ask("GET") or []
        if faults:
            self._of_this_life = Counter()
            for fault in faults:
                self._of_this_life[fault["name"]] += fault["struck"]
        return self._of_earlier_lives + self._of_this_life

    def next_life(self) -> None:
        """To be called when the venue was killed, which forgets its counts."""
        self._of_earlier_lives += self._of_this_life
        self._of_this_life = Counter()

    def clear(self) -> None:
        """Ends all faults."""
        self.look()
        self.next_life()
        self._ask("DELETE")

    def _ask(self, method: Literal["GET", "DELETE"]) -> Any:
        access = find_access(self._folder)
        if access is None:
            return None
        try:
            return ask(access, method, "/faults", patience=ANSWER_SECONDS)
        except UserError:
            return None
