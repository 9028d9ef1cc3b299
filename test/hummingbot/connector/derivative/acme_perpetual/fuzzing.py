"""Hypothesis where it is installed. Hummingbot's own environment does not have it: there its tests are skipped, and
those beside them are run."""

import unittest

try:
    from hypothesis import HealthCheck, example, given, settings, strategies as st
except ImportError:

    class _Absent:
        """Stands for whatever is taken from the library, as long as nothing is made of it."""

        def __getattr__(self, name: str) -> "_Absent":
            return self

        def __call__(self, *args, **kwargs) -> "_Absent":
            return self

        def __or__(self, other) -> "_Absent":
            return self

        __ror__ = __or__

    def given(*args, **kwargs):
        return unittest.skip("hypothesis is not installed: pip install hypothesis")

    def _undecorated(*args, **kwargs):
        return lambda test: test

    HealthCheck = st = _Absent()
    example = settings = _undecorated

__all__ = ["HealthCheck", "example", "given", "settings", "st"]
