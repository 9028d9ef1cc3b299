"""Runs groups of tests in several processes, each a copy of the one that has imported and collected all of them.

Importing Hummingbot and collecting take as long as hundreds of tests. The copies do neither: they are forked when it is
done, and each asks for a group, runs it, tells how it went, and asks for the next one.
"""

import multiprocessing
import os
import signal
import traceback
import warnings
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import StringIO
from multiprocessing.connection import Connection, wait
from typing import Any

import pytest
from _pytest.config import create_terminal_writer

PATIENCE_SECONDS = 30

Group = Sequence[int]
"""The places of its tests among those that were collected."""


def run_in_copies(session: pytest.Session, groups: Iterable[Group], count: int) -> list[str]:
    """Runs the groups in `count` processes, in their order, until one of the tests is to be the last.

    Returns what else went wrong: a sentence for each process that ended before its time.
    """
    original = _Original(session, groups)
    try:
        original.start(count)
        original.listen()
    finally:
        original.end()
    return original.broken


class _Original:
    """The process that has collected the tests, and shares them out."""

    def __init__(self, session: pytest.Session, groups: Iterable[Group]) -> None:
        self.broken: list[str] = []
        self._session = session
        self._hook = session.config.hook
        self._groups = deque(groups)
        self._processes: dict[Connection, _Process] = {}

    def start(self, count: int) -> None:
        for number in range(count):
            process = _Process(self._session, number, list(self._processes))
            self._processes[process.connection] = process

    def listen(self) -> None:
        while self._processes and not (self._session.shouldfail or self._session.shouldstop):
            for connection in wait(list(self._processes)):
                try:
                    self._hear(self._processes[connection], *connection.recv())
                except (EOFError, ConnectionError):
                    self._bury(self._processes.pop(connection))
        for process in self._processes.values():
            process.interrupt()

    def end(self) -> None:
        for process in self._processes.values():
            process.end()

    def _hear(self, process: "_Process", kind: str, what: Any) -> None:
        match kind:
            case "asks":
                process.running = None
                process.connection.send(self._groups.popleft() if self._groups else ())
            case "runs":
                process.running = what
            case "has run":
                self._hook.pytest_runtest_logfinish(**what)
            case "reports":
                report = self._hook.pytest_report_from_serializable(config=self._session.config, data=what)
                self._hook.pytest_runtest_logreport(report=report)
            case "warns":
                self._warn(**what)
            case "broke":
                self.broken.append(what)

    def _warn(self, text: str, filename: str, lineno: int, **where: Any) -> None:
        warning = warnings.WarningMessage(Warning(text), Warning, filename, lineno)
        self._hook.pytest_warning_recorded.call_historic(kwargs={"warning_message": warning, "location": None, **where})

    def _bury(self, process: "_Process") -> None:
        if code := process.end():
            self.broken.append(f"a process ended with {code} while it ran {process.running or 'no test'}")
        # Those that are left run what is left; its tests that did not run are found missing.
        if not self._processes and self._groups:
            self.broken.append("no process is left to run the rest")


class _Process:
    """A copy as the original sees it.

    :ivar running: the test that it runs.
    """

    def __init__(self, session: pytest.Session, number: int, inherited: Sequence[Connection]) -> None:
        self.running: str | None = None
        self.connection, theirs = multiprocessing.Pipe()

        def live() -> None:
            for connection in (self.connection, *inherited):
                connection.close()
            _Copy(session, theirs, number).live()

        self._process = multiprocessing.get_context("fork").Process(target=live)
        self._process.start()
        theirs.close()

    def interrupt(self) -> None:
        os.kill(self._process.pid, signal.SIGINT)

    def end(self) -> int:
        """Waits until it has ended, not for ever. Returns its exit code."""
        self.connection.close()
        self._process.join(PATIENCE_SECONDS)
        self._process.kill()
        self._process.join()
        return self._process.exitcode


class _Copy:
    """The copy itself: runs groups, and is a plugin that tells the original of it."""

    def __init__(self, session: pytest.Session, original: Connection, number: int) -> None:
        self._session = session
        self._config = session.config
        self._original = original
        self._number = number

    def live(self) -> None:
        try:
            self._part()
            self._run()
        except BaseException:
            with suppress(OSError):
                self._original.send(("broke", traceback.format_exc()))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._original.send(("runs", nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._original.send(("reports", data))

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._original.send(("has run", {"nodeid": nodeid, "location": location}))

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        text = f"{warning_message.category.__name__}: {warning_message.message}"
        place = {"filename": warning_message.filename, "lineno": warning_message.lineno}
        self._original.send(("warns", {"text": text, "when": when, "nodeid": nodeid, **place}))

    def _part(self) -> None:
        """Shares with the others neither what is printed nor the folder for what tests write."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        reporter._tw = create_terminal_writer(self._config, StringIO())
        captures = self._config.pluginmanager.getplugin("capturemanager")
        captures.stop_global_capturing()
        captures.start_global_capturing()
        folders = self._config._tmp_path_factory
        folders._basetemp = folders.getbasetemp() / f"process-{self._number}"
        folders._basetemp.mkdir(mode=0o700)
        self._config.pluginmanager.register(self)

    def _run(self) -> None:
        try:
            while group := self._asked():
                items = [self._session.items[place] for place in group]
                for item, following in zip(items, [*items[1:], _Elsewhere(self._session)], strict=True):
                    self._config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        finally:
            self._session._setupstate.teardown_exact(None)

    def _asked(self) -> Group:
        self._original.send(("asks", None))
        return self._original.recv()


class _Elsewhere:
    """Stands for the test that comes after a group: it has the session in common with the group, and nothing else."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session

    def listchain(self) -> list[pytest.Session]:
        return [self._session]
