"""A pytest plugin that remembers which compatibility tests pass.

The ledger is a JSON file: library -> test -> ``"pass"`` or ``"fail"``. A test
says whose it is by the marker ``library``. Rules:

1. A test recorded as ``pass`` that fails, or is gone, fails the run; one that
   is skipped does in CI (``CI=true``).
2. A test recorded as ``fail`` is expected to fail; when it passes, the run
   fails until the ledger says so.
3. What is not recorded counts as in any run of pytest, and is listed.
4. ``--ledger-update`` writes down what the run found. Tests that were not
   selected stay as they were.

A test is gone when its file was collected whole, or is no more, and the test
did not run.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pytest_addoption", "pytest_configure"]

_DEFAULT = Path(__file__).with_name("ledger.json")

_PASS, _FAIL, _SKIP, _GONE = "pass", "fail", "skip", "gone"

#: A test: its library, and its file and name as ``test_x.py::test_y[z]``.
_Key = tuple[str, str]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--ledger-update`` and ``--ledger``."""
    group = parser.getgroup("ledger", "compatibility ledger")
    group.addoption(
        "--ledger-update",
        action="store_true",
        help="write down which compatibility tests pass, and which do not",
    )
    group.addoption(
        "--ledger", type=Path, default=_DEFAULT, help="its file (default: %(default)s)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and the plugin."""
    config.addinivalue_line(
        "markers", "library(name): the third-party library that the test is about"
    )
    path, update = config.getoption("--ledger"), config.getoption("--ledger-update")
    config.pluginmanager.register(Ledger(path, update), "compat_ledger")


class Ledger:
    """Compares what a run finds with what is recorded.

    Args:
        path: the ledger's file; need not exist.
        update: write the file anew when the run ends.
    """

    def __init__(self, path: Path, update: bool) -> None:
        self._path = path
        self._update = update
        self._recorded = _read(path)
        self._keys: dict[str, _Key] = {}
        self._found: dict[_Key, str] = {}
        self._folders: set[Path] = set()
        self._partial = False
        in_ci = os.environ.get("CI") == "true"
        self._bad = {_FAIL, _GONE, _SKIP} if in_ci else {_FAIL, _GONE}

    # What pytest calls --------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Learn which tests there are, and expect what is known to fail."""
        self._partial = any("::" in arg for arg in config.args)
        for item in items:
            marker = item.get_closest_marker("library")
            if marker is not None:
                self._expect(item, marker.args[0])

    def pytest_deselected(self) -> None:
        """Learn that some tests are left out."""
        self._partial = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Learn how a test went: its worst phase says it."""
        key = self._keys.get(report.nodeid)
        if key is not None:
            status = _status(report)
            if self._found.get(key) in (None, _PASS):
                self._found[key] = status

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the ledger, or fail the run for what it has lost."""
        if session.config.option.collectonly:
            return
        if session.shouldstop or session.shouldfail:
            self._partial = True
        if self._update:
            self._write()
        elif self._lost() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Say what was lost, and what is new."""
        if not self._found:
            return
        terminalreporter.section(f"ledger: {self._path.name}")
        for line in self._summary():
            terminalreporter.line(line)

    # What they need -----------------------------------------------------------

    def _expect(self, item: pytest.Item, library: str) -> None:
        name = f"{item.path.name}::{item.nodeid.partition('::')[2]}"
        key = self._keys[item.nodeid] = library, name
        self._folders.add(item.path.parent)
        if self._recorded.get(key) == _FAIL and not self._update:
            reason = f"{library} is recorded to fail here"
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    def _lost(self) -> list[str]:
        """Return a line for each test recorded as pass that does not pass."""
        now = {**self._found, **dict.fromkeys(self._gone(), _GONE)}
        return [
            f"{library}: {test}: recorded as pass, now {now[library, test]}"
            for (library, test), status in sorted(self._recorded.items())
            if status == _PASS and now.get((library, test)) in self._bad
        ]

    def _gone(self) -> set[_Key]:
        if self._partial:
            return set()
        files = {test.partition("::")[0] for _, test in self._keys.values()}
        return {
            key
            for key in self._recorded.keys() - set(self._keys.values())
            if (name := key[1].partition("::")[0]) in files or not self._exists(name)
        }

    def _exists(self, name: str) -> bool:
        return any((folder / name).exists() for folder in self._folders)

    def _summary(self) -> Iterator[str]:
        if self._update:
            yield "written"
            return
        yield from self._lost()
        new = self._found.keys() - self._recorded.keys()
        if new:
            yield f"{len(new)} tests are not recorded yet: --ledger-update does it"
        passing = list(self._found.values()).count(_PASS)
        yield f"{passing} of {len(self._found)} compatibility tests pass"

    def _write(self) -> None:
        found = {key: s for key, s in self._found.items() if s != _SKIP}
        merged = {**self._recorded, **found}
        for key in self._gone():
            del merged[key]
        tree: dict[str, dict[str, str]] = {}
        for (library, test), status in sorted(merged.items()):
            tree.setdefault(library, {})[test] = status
        self._path.write_text(json.dumps(tree, indent=1) + "\n")


def _read(path: Path) -> dict[_Key, str]:
    tree = json.loads(path.read_text()) if path.exists() else {}
    return {
        (library, test): status
        for library, tests in tree.items()
        for test, status in tests.items()
    }


def _status(report: pytest.TestReport) -> str:
    """Return how a phase went; an expected failure is one all the same."""
    if hasattr(report, "wasxfail"):
        return _FAIL if report.skipped else _PASS
    if report.failed:
        return _PASS if str(report.longrepr).startswith("[XPASS") else _FAIL
    return _SKIP if report.skipped else _PASS
