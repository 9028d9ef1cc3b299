"""Acme: a perpetual-futures exchange that runs on its user's own machine."""
