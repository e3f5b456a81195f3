"""Upstream's own suites: what the ledgers say passes has to pass.

A ``.t`` file is a test. By default the first flavour runs all files and the other
flavours a few; ``--upstream=all`` runs all on each, ``--upstream=none`` nothing.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from compat_libraries import program
from upstream import page, real
from upstream.ledger import BASE
from upstream.record import Comparison, compare
from upstream.source import UnavailableError
from upstream.suite import Run, Suite, status_of
from upstream.suites import LUA_NGINX_MODULE, SUITES

if TYPE_CHECKING:
    from resty_py.testing.runner import Result

#: Files of lua-nginx-module that the real nginx runs, too.
REAL = (
    "001-set.t",
    "002-content.t",
    "043-shdict.t",
    "104-req-raw-header.t",
    "132-lua-blocks.t",
    "163-exit-worker-hup.t",
)

Find = Callable[[str, str, str], Comparison]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each file of each suite and flavour."""
    if "name" not in metafunc.fixturenames:
        return
    extent = metafunc.config.getoption("--upstream")
    cases = [
        pytest.param(suite.name, flavour, name, id=f"{suite.name}-{flavour}-{name}")
        for suite in SUITES.values()
        for flavour in suite.flavours
        for name in _names(suite, flavour, extent)
    ]
    metafunc.parametrize(("suite", "flavour", "name"), cases)


def _names(suite: Suite, flavour: str, extent: str) -> list[str]:
    if extent == "none":
        return []
    names = suite.ledger.names()
    if extent == "all" or flavour == BASE:
        return names
    return [name for name in names if name in suite.selection]


@pytest.fixture(scope="session")
def find(request: pytest.FixtureRequest) -> Find:
    """Run all files of a suite and a flavour that are to be tested, once.

    A worker of pytest-xdist, which has some tests only, runs one file at a time.
    """
    wanted = _wanted(request)
    is_part = hasattr(request.config, "workerinput")
    done: dict[tuple[str, ...], Comparison | str] = {}

    def find(suite: str, flavour: str, name: str) -> Comparison:
        key = (suite, flavour, name) if is_part else (suite, flavour)
        if key not in done:
            names = [name] if is_part else wanted[suite, flavour]
            done[key] = _compare(SUITES[suite], flavour, names)
        found = done[key]
        if isinstance(found, str):
            unavailable(found)
        return found

    request.config.pluginmanager.register(Report(done))
    return find


class Report:
    """A plugin of pytest that says at the end what came of the suites."""

    def __init__(self, done: Mapping[tuple[str, ...], Comparison | str]) -> None:
        self._done = done

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Write a line for each suite and flavour."""
        for key, found in self._done.items():
            terminalreporter.line(f"{' '.join(key)}: {_summary(found)}")


def _summary(found: Comparison | str) -> str:
    if isinstance(found, str):
        return found
    parts = {"lost": found.lost, "gained": found.gained, "shaky": found.shaky}
    lists = [
        f", {what}: " + " ".join(f"{name}:{block}" for name, block in places)
        for what, places in parts.items()
        if places
    ]
    return f"{sum(map(len, found.found.values()))} blocks{''.join(lists)}"


def _wanted(request: pytest.FixtureRequest) -> dict[tuple[str, str], list[str]]:
    wanted: dict[tuple[str, str], list[str]] = {}
    for item in request.session.items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        if item.path == Path(__file__) and "name" in params:
            key = params["suite"], params["flavour"]
            wanted.setdefault(key, []).append(params["name"])
    return wanted


def _compare(suite: Suite, flavour: str, names: list[str]) -> Comparison | str:
    # It takes minutes: no sign that a test hangs.
    faulthandler.cancel_dump_traceback_later()
    try:
        return compare(Run(suite, suite.source.fetch(), flavour), names)
    except UnavailableError as exc:
        return str(exc)


def unavailable(why: str) -> NoReturn:
    """Skip a test for want of a suite, visibly; in CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def test_what_passed_passes(find: Find, suite: str, flavour: str, name: str) -> None:
    lost = find(suite, flavour, name).lost_in(name)
    assert not lost, "\n".join(lost)


def test_the_real_nginx_agrees(request: pytest.FixtureRequest) -> None:
    """The runner finds of the real nginx what its own harness finds."""
    if request.config.getoption("--upstream") == "none":
        pytest.skip("--upstream=none")
    program("nginx", "nginx")
    try:
        tree = LUA_NGINX_MODULE.source.fetch()
    except UnavailableError as exc:
        unavailable(str(exc))
    run = Run(LUA_NGINX_MODULE, tree, binary=real.COMMAND)
    found = run.files(REAL)
    failing = {name: _failing(found[name]) for name in REAL}
    again = {name: list(blocks) for name, blocks in failing.items() if blocks}
    for name, results in run.again(again).items():
        failing[name] &= _failing(results)
    assert failing == {name: _outside(name) for name in REAL}


def _failing(results: dict[str, Result]) -> set[str]:
    return {block for block, result in results.items() if not status_of(result).passes}


def _outside(name: str) -> set[str]:
    """Return the blocks of a file that nginx's own harness runs, and fails."""
    statuses = LUA_NGINX_MODULE.ledger.read(name).of(BASE)
    return {
        block
        for block, status in statuses.items()
        if status.kind == "skip" and status.reason != "the suite leaves it out"
    }


def test_the_page_says_what_the_ledgers_say() -> None:
    text = page.PAGE.read_text()
    assert page.render(text) == text, "python -m upstream page makes it anew"
