"""Fixtures of the compatibility tests: libraries, and servers to try them on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from compat_libraries import Library
from compat_servers import Process, WebServer, memcached_server, redis_server, serve
from compat_wire import RedisClient
from ledger import pytest_addoption as add_ledger_options
from ledger import pytest_configure

__all__ = ["pytest_addoption", "pytest_configure"]

Install = Callable[[Library], Path]
Serve = Callable[..., AbstractContextManager[WebServer]]

_installed = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the ledgers."""
    add_ledger_options(parser)
    parser.getgroup("ledger").addoption(
        "--upstream",
        choices=("all", "some", "none"),
        default="some",
        help="how much of upstream's suites is run (default: %(default)s: all files"
        " on the first flavour, a few on the others)",
    )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which libraries were tried: versions and digests."""
    lines = config.stash.get(_installed, [])
    if lines:
        terminalreporter.section("libraries under test")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def install(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Install:
    """Copy a library into a tree of its own and return the tree."""
    lines = pytestconfig.stash.setdefault(_installed, [])

    def install(library: Library) -> Path:
        tree = tmp_path_factory.mktemp("tree")
        for line in library.install(tree):
            if line not in lines:
                lines.append(line)
        return tree

    return install


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Serve an app: ``with start(name, app, tree, **environment) as server``."""

    def start(
        name: str, app: Path, tree: Path, **environment: object
    ) -> AbstractContextManager[WebServer]:
        variables = {key: str(value) for key, value in environment.items()}
        return serve(name, app, tree, tmp_path_factory.mktemp(name), variables)

    return start


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A Redis of the module's own."""
    with redis_server(tmp_path_factory.mktemp("redis")) as process:
        yield process


@pytest.fixture
def database(redis: Process) -> Iterator[RedisClient]:
    """A client of the Redis, which is empty."""
    with RedisClient(redis.port) as client:
        client("FLUSHALL")
        yield client


@pytest.fixture(scope="module")
def memcached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A memcached of the module's own."""
    with memcached_server(tmp_path_factory.mktemp("memcached")) as process:
        yield process
