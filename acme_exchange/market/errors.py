"""The error about a file of markets or of prices that cannot be used."""

from acme_exchange.input.errors import UserError


class MarketFileError(UserError):
    """A file of markets or of prices cannot be used; the text says where, and what to write instead."""
