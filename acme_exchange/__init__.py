"""Acme: a perpetual-futures exchange that runs on its user's own machine."""

__version__ = "0.1.0"
"""Of the whole project. Written here, since the venue also runs from sources that are not installed."""
