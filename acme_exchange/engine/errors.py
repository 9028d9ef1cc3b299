"""`Refused`: the exception with which the engine refuses a command."""

from typing import Any


class Refused(Exception):
    """A command the rules do not allow. The engine is exactly as it was before the command.

    :ivar status: the HTTP status of the refusal, 400 or 404 (Acme API §7).
    :ivar text: the refusal in the words of the contract (Acme API §7).
    """

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return Refused, (self.status, self.text)
