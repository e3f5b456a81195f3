"""Runs files side by side: threads, each with its own servers, port and prefix.

A file is run by one thread, its blocks in their order. What comes of a block
goes to a listener, one call at a time.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random
import socket
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .conffile import Layout
from .dataformat import FormatError
from .launcher import CommandLauncher, ForkLauncher, Launcher, describe
from .perl import PerlError
from .ports import Ports
from .runner import Outcome, Result, Runner
from .server import Server
from .suite import SkipFile, Suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from .suite import Block

__all__ = ["FileResult", "Options", "Schedule", "find_files"]

#: Ports for servers: below those that systems give to clients.
PORTS = range(20000, 32000)

_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    """How suites are run.

    Attributes:
        jobs: how many files at once.
        binary: the command of another server, or None for our own.
        flavour: the Lua of our own server, or None for the best one.
        environments: of each job, variables of its files besides the process's
            own.
        selects: tells whether a block is to be run.
        folder: for the servers' files, or None for one that is removed.
    """

    jobs: int = 1
    binary: str | None = None
    flavour: str | None = None
    environments: Sequence[Mapping[str, str]] = ()
    selects: Callable[[Block], bool] = lambda _block: True
    folder: Path | None = None


@dataclass
class FileResult:
    """What came of a file.

    Attributes:
        path: the file.
        reason: why it was left out, or an empty text.
        error: what is wrong with it, or an empty text.
        planned: how many checks it plans, or None.
        results: what came of its blocks.
        is_whole: whether all of its blocks were to be run.
    """

    path: Path
    reason: str = ""
    error: str = ""
    planned: int | None = None
    results: list[Result] = field(default_factory=list)
    is_whole: bool = True

    @property
    def plan_error(self) -> str:
        """What is wrong with its plan, or an empty text."""
        if self.planned is None or not self.is_whole:
            return ""
        if any(result.outcome is not Outcome.PASSED for result in self.results):
            return ""
        ran = sum(len(result.checks) for result in self.results)
        return (
            "" if ran == self.planned else f"planned {self.planned} checks, ran {ran}"
        )


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Return the ``.t`` files that are named, or in folders that are.

    Raises:
        FileNotFoundError: there is no such file or folder.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(path.rglob("*.t"))
        elif path.exists():
            found.append(path)
        else:
            raise FileNotFoundError(str(path))
    return found


class Schedule:
    """Runs files.

    Args:
        options: how.
        listener: called with each block's result, in any order.
    """

    def __init__(self, options: Options, listener: Callable[[Result], None]) -> None:
        self._options = options
        self._listener = listener
        self._lock = threading.Lock()
        self._files: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._ports = Ports()
        self._failure: BaseException | None = None
        self._is_stopped = False
        self._ended: list[threading.Event] = []

    def run(self, paths: Sequence[Path]) -> list[FileResult]:
        """Run files; return what came of each, in their order."""
        found: list[FileResult | None] = [None] * len(paths)
        order = sorted(range(len(paths)), key=lambda i: -paths[i].stat().st_size)
        for index in order:
            self._files.put(index)
        with self._folder() as folder:
            count = max(1, min(self._options.jobs, len(paths)))
            threads = [
                threading.Thread(
                    target=self._work, args=(i, folder / str(i), paths, found)
                )
                for i in range(count)
            ]
            self._ended = [threading.Event() for _ in threads]
            for thread in threads:
                thread.start()
            self._wait()
        if self._failure is not None:
            raise self._failure
        return [one for one in found if one is not None]

    def _wait(self) -> None:
        """Wait for all threads, even if interrupted.

        A join that a signal interrupts takes its thread for ended (Python 3.11).
        """
        try:
            for ended in self._ended:
                ended.wait()
        except BaseException:
            self._is_stopped = True
            for ended in self._ended:
                ended.wait()
            raise

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        if self._options.folder is not None:
            yield self._options.folder.resolve()
            return
        with tempfile.TemporaryDirectory(prefix="resty-py-test-") as folder:
            yield Path(folder).resolve()

    def _work(
        self,
        number: int,
        folder: Path,
        paths: Sequence[Path],
        found: list[FileResult | None],
    ) -> None:
        try:
            with Workplace(self._options, folder, self._ports, number) as place:
                while not self._is_stopped:
                    index = self._files.get_nowait()
                    found[index] = self._run_file(place, paths[index])
        except queue.Empty:
            pass
        except BaseException as exc:
            self._failure, self._is_stopped = exc, True
        finally:
            self._ended[number].set()

    def _run_file(self, place: Workplace, path: Path) -> FileResult:
        file = FileResult(path)
        try:
            suite = place.load(path)
        except SkipFile as exc:
            file.reason = str(exc)
            return file
        except (FormatError, PerlError) as exc:
            file.error = str(exc)
            return file
        file.planned = suite.settings.plan
        for block in suite.blocks:
            if self._is_stopped or not self._options.selects(block):
                file.is_whole = False
                continue
            result = place.runner.run(block)
            file.results.append(result)
            with self._lock:
                self._listener(result)
        place.server.kill()
        return file


class Workplace:
    """Where one thread runs files: a context manager.

    Args:
        options: how.
        folder: for the servers' files.
        ports: who uses which; shared by all that run at the same time.
        number: of the thread, from 0.

    Attributes:
        server: its place for servers.
        runner: runs blocks there.
    """

    def __init__(
        self, options: Options, folder: Path, ports: Ports, number: int = 0
    ) -> None:
        self._environment = dict(
            options.environments[number] if options.environments else {}
        )
        self._launcher: Launcher = _launcher(options, self._environment)
        about, self._version = describe(self._launcher.command)
        _mirror(Path.cwd(), folder)
        layout = Layout(folder / "t" / "servroot", free_port())
        self.server = Server(self._launcher, layout)
        self.runner = Runner(self.server, self._version, about, ports)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.server.kill()
        self._launcher.close()

    def load(self, path: Path) -> Suite:
        """Return a file, ready to run.

        Raises:
            SkipFile: it asks to be left out.
            FormatError: its data is none.
            PerlError: its code is no Perl, or died.
        """
        layout = self.server.layout
        environment = {**os.environ, **self._environment}
        environment.setdefault("TEST_NGINX_BINARY", self._launcher.command)
        environment |= {
            "TEST_NGINX_SERVER_PORT": str(layout.port),
            "TEST_NGINX_HTML_DIR": str(layout.html),
            "TEST_NGINX_SERVER_ROOT": str(layout.root),
            "TEST_NGINX_PREFIX": str(layout.root),
            **{f"TEST_NGINX_RAND_PORT_{n}": str(free_port()) for n in range(1, 6)},
        }
        places = {
            "html_dir": str(layout.html),
            "server_root": str(layout.root),
            "server_port": str(layout.port),
            "server_port_for_client": str(layout.port),
            "server_addr": _HOST,
            "sleep_time": "0.015",
        }
        return Suite(path, environment, places, self._version)


def _launcher(options: Options, environment: Mapping[str, str]) -> Launcher:
    if options.binary is not None:
        return CommandLauncher(options.binary)
    flavour = ["--lua", options.flavour] if options.flavour else []
    return ForkLauncher(flavour, environment)


def _mirror(source: Path, folder: Path) -> None:
    """Lay a folder out as the current one: files find ``../../cert`` and the like.

    A server's prefix is in ``t/``, which is a folder of its own; everything
    else in both is a link.
    """
    for inner in (Path(), Path("t")):
        (folder / inner).mkdir(parents=True, exist_ok=True)
        if not (source / inner).is_dir():
            continue
        for path in (source / inner).iterdir():
            is_own = path.name.startswith("servroot") or path == source / "t"
            if not is_own and not (folder / inner / path.name).exists():
                (folder / inner / path.name).symlink_to(path)


def free_port() -> int:
    """Return a port that nobody listens on."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((_HOST, port))
            return port
