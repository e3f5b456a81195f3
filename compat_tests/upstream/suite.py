"""Upstream's suites: where one comes from, what it needs, how it is run."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from compat_dns import NameServer, name_server
from compat_servers import Process, memcached_server, redis_server

from resty_py.testing.runner import Outcome
from resty_py.testing.schedule import Options, Schedule, find_files
from resty_py.testing.select import label

from . import real
from .ledger import BASE, PASS, Ledger, Status
from .reasons import REASONS, Kind, classify

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from resty_py.testing.runner import Result
    from resty_py.testing.schedule import FileResult
    from resty_py.testing.suite import Block

    from .source import Source

__all__ = ["JOBS", "Blocks", "Found", "Run", "Suite", "status_of"]

#: Modules in place of those that a suite asks for and that measure it only.
_STANDINS = Path(__file__).parent.with_name("standins")

#: Files at once: blocks wait more than they work.
JOBS = 2 * (os.cpu_count() or 1)

_LEDGERS = Path(__file__).with_name("ledger")

#: ``.t`` file -> numbers of blocks.
Blocks: TypeAlias = "Mapping[str, Collection[str]]"

#: ``.t`` file -> block -> what came of it.
Found: TypeAlias = "dict[str, dict[str, Result]]"

_SERVERS: dict[str, Callable[[Path], AbstractContextManager[Process | NameServer]]] = {
    "dns": name_server,
    "memcached": memcached_server,
    "redis": redis_server,
}


@dataclass(frozen=True)
class Suite:
    """A suite of upstream's.

    Attributes:
        name: of the project; also of the ledger's folder.
        source: the package that has it.
        folder: with the ``.t`` files, within the source.
        services: servers that it talks to: ``memcached``, ``redis``, ``dns``. Each
            job has its own, and its port in ``TEST_NGINX_MEMCACHED_PORT`` or the
            like, of the nameserver its address in ``TEST_NGINX_RESOLVER``.
        libraries: other sources whose ``lib`` it finds modules in.
        environment: more variables; ``{tree}`` is the source's folder.
        flavours: those it is run on; the first is ``ledger.BASE``.
        selection: ``.t`` files that stand for all on the other flavours, where
            there is no time for more.
    """

    name: str
    source: Source
    folder: str = "t"
    services: tuple[str, ...] = ()
    libraries: tuple[Source, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    flavours: tuple[str, ...] = (BASE,)
    selection: tuple[str, ...] = ()

    @property
    def ledger(self) -> Ledger:
        """Its ledger."""
        return Ledger(_LEDGERS / self.name)

    def files(self, tree: Path) -> list[str]:
        """Return its ``.t`` files, as paths within the folder."""
        root = tree / self.folder
        return [path.relative_to(root).as_posix() for path in find_files([root])]


@dataclass(frozen=True)
class Run:
    """How a suite is run.

    Attributes:
        suite: the suite.
        tree: the folder of its source.
        flavour: the Lua.
        binary: the command of another server, or None for ours.
        jobs: how many files at once.
        listener: called with each block's result.
    """

    suite: Suite
    tree: Path
    flavour: str = BASE
    binary: str | None = None
    jobs: int = JOBS
    listener: Callable[[Result], None] = lambda _result: None

    def files(
        self,
        names: Sequence[str],
        blocks: Blocks | None = None,
        without: Blocks | None = None,
    ) -> Found:
        """Run ``.t`` files, or only some blocks of them.

        Args:
            names: the files.
            blocks: those that are run, or None for all.
            without: blocks that are left out.
        """
        root = Path(self.suite.folder)
        with contextlib.chdir(self.tree), self._environments() as environments:
            options = Options(
                jobs=self.jobs,
                binary=self.binary,
                flavour=None if self.binary else self.flavour,
                environments=environments,
                selects=_selector(root, blocks, without or {}),
            )
            schedule = Schedule(options, self.listener)
            results = schedule.run([root / name for name in names])
        return dict(zip(names, map(_by_block, results), strict=True))

    def again(self, blocks: Blocks) -> Found:
        """Run some blocks again, one file after the other."""
        alone = Run(self.suite, self.tree, self.flavour, self.binary, 1, self.listener)
        return alone.files(list(blocks), blocks) if blocks else {}

    @contextlib.contextmanager
    def _environments(self) -> Iterator[list[dict[str, str]]]:
        """Run the services of each job; give the variables of each."""
        common = {
            name: value.format(tree=self.tree)
            for name, value in self.suite.environment.items()
        }
        if self.suite.libraries:
            folders = [str(library.fetch() / "lib") for library in self.suite.libraries]
            places = [f"{folder}/?.lua" for folder in (*folders, _STANDINS)]
            common["LUA_PATH"] = ";".join([*places, ";"])
        with (
            contextlib.ExitStack() as stack,
            tempfile.TemporaryDirectory(prefix="resty-py-upstream-") as folder,
        ):
            common |= real.openssl(Path(folder))
            if self.binary is not None:
                common |= real.modules()
            found = []
            for job in range(self.jobs):
                place = Path(folder, str(job))
                place.mkdir()
                variables = dict(common)
                for name in self.suite.services:
                    server = stack.enter_context(_SERVERS[name](place))
                    variables |= _variables(name, server)
                found.append(variables)
            yield found


def _variables(service: str, server: Process | NameServer) -> dict[str, str]:
    """Return the variables that tell a suite of a server."""
    if isinstance(server, NameServer):
        return server.variables
    return {f"TEST_NGINX_{service.upper()}_PORT": str(server.port)}


def _selector(
    root: Path, blocks: Blocks | None, without: Blocks
) -> Callable[[Block], bool]:
    unwanted = _places(root, without)
    if blocks is None:
        return lambda block: (block.suite.path, label(block)) not in unwanted
    wanted = _places(root, blocks) - unwanted
    return lambda block: (block.suite.path, label(block)) in wanted


def _places(root: Path, blocks: Blocks) -> set[tuple[Path, str]]:
    return {
        (root / name, block) for name, numbers in blocks.items() for block in numbers
    }


def _by_block(file: FileResult) -> dict[str, Result]:
    return {label(result.block): result for result in file.results}


def status_of(result: Result) -> Status:
    """Return the status that a result is worth in the ledger."""
    if result.outcome is Outcome.PASSED:
        return PASS
    reason = classify(result)
    outside = REASONS[reason].kind is Kind.OUTSIDE
    return Status("skip" if outside else "fail", reason)
