"""What is wrong with a file that describes the market."""


class MarketFileError(Exception):
    """A file of markets or of prices cannot be used; the text says where, and what to write instead."""
