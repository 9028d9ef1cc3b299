"""What the tests cost: processor time, that of the processes they start and wait for included.

Unlike how long they take, it says about the same whatever else the machine does.
"""

import os
from collections import Counter
from collections.abc import Generator

import pytest

PROPERTY = "processor seconds"


class Meter:
    """Measures each test, and prints those that cost most."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._began = 0.0
        self._seconds: Counter[str] = Counter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        self._began = _spent()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "teardown":
            report.user_properties.append((PROPERTY, _spent() - self._began))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self._seconds[report.nodeid] = dict(report.user_properties)[PROPERTY]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section(f"{self._most} tests of most processor time, of {self._seconds.total():.0f} s in all")
        for test, seconds in self._seconds.most_common(self._most):
            terminalreporter.write_line(f"{seconds:7.1f} s {test}")


def _spent() -> float:
    """By this process and by those that it has started and waited for, in seconds."""
    return sum(os.times()[:4])


def add_options(parser: pytest.Parser) -> None:
    parser.addoption("--processor-time", type=int, metavar="N", help="print the N tests of most processor time")


def configure(config: pytest.Config) -> None:
    if most := config.getoption("--processor-time"):
        config.pluginmanager.register(Meter(most))
