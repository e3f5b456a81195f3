"""The pytest plugin: blocks of ``.t`` files are test items.

A ``.t`` file is collected where its path is given on the command line, or where
``--test-nginx`` or the setting ``test_nginx = true`` asks for it; others, such as
those that only ``prove`` is to run, are left alone. Rules:

1. One place for servers serves a session. It is made when the first file is
   collected: the code of a file asks for its ports.
2. Items of a file that run one after the other share a server where the file sets
   ``TEST_NGINX_USE_HUP``; an item of another file starts anew.
3. What is skipped says why; what fails is shown as ``resty-py test`` shows it.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .runner import Result
    from .schedule import Workplace
    from .suite import Block, Suite

__all__ = ["BlockItem", "SuiteFile"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    help_text = "collect .t files, the suites of Test::Nginx"
    group = parser.getgroup("test-nginx", "Test::Nginx suites, by resty-py")
    group.addoption("--test-nginx", action="store_true", help=help_text)
    group.addoption(
        "--test-nginx-lua",
        metavar="FLAVOUR",
        help="the Lua that runs them (default: the best one that is there)",
    )
    group.addoption(
        "--test-nginx-binary",
        metavar="CMD",
        help="run them against another server, such as the real nginx",
    )
    parser.addini("test_nginx", help_text, type="bool", default=False)


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    """Collect a ``.t`` file that is asked for."""
    if file_path.suffix != ".t" or not _is_wanted(file_path, parent):
        return None
    return SuiteFile.from_parent(parent, path=file_path)


def _is_wanted(path: Path, parent: pytest.Collector) -> bool:
    config = parent.config
    if config.getoption("--test-nginx") or config.getini("test_nginx"):
        return True
    folder = config.invocation_params.dir
    return any(folder / arg.partition("::")[0] == path for arg in config.args)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the servers."""
    session.config.stash.get(_place, _Place(session.config)).close()


class _Place:
    """The place for servers of a session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._stack = ExitStack()
        self._workplace: Workplace | None = None
        self._suite: Suite | None = None

    @property
    def workplace(self) -> Workplace:
        if self._workplace is None:
            self._workplace = self._make()
        return self._workplace

    def _make(self) -> Workplace:
        from .ports import Ports
        from .schedule import Options, Workplace

        options = Options(
            flavour=self._config.getoption("--test-nginx-lua"),
            binary=self._config.getoption("--test-nginx-binary"),
        )
        folder = tempfile.TemporaryDirectory(prefix="resty-py-test-")
        path = Path(self._stack.enter_context(folder)).resolve()
        return self._stack.enter_context(Workplace(options, path, Ports()))

    def run(self, block: Block) -> Result:
        """Run a block."""
        if self._suite is not block.suite:
            self.workplace.server.kill()
        self._suite = block.suite
        return self.workplace.runner.run(block)

    def close(self) -> None:
        self._stack.close()


_place = pytest.StashKey[_Place]()


def _place_of(config: pytest.Config) -> _Place:
    return config.stash.setdefault(_place, _Place(config))


class SuiteFile(pytest.File):
    """A ``.t`` file."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield its blocks."""
        from .dataformat import FormatError
        from .perl import PerlError
        from .suite import SkipFile

        try:
            suite = _place_of(self.config).workplace.load(self.path)
        except SkipFile as exc:
            pytest.skip(str(exc), allow_module_level=True)
        except (FormatError, PerlError) as exc:
            raise self.CollectError(str(exc)) from None
        for block in suite.blocks:
            yield BlockItem.from_parent(self, name=block.name, block=block)


class BlockItem(pytest.Item):
    """A block."""

    def __init__(self, *, block: Block, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.block = block

    def runtest(self) -> None:
        """Run it."""
        from .runner import Outcome

        result = _place_of(self.config).run(self.block)
        if result.outcome is Outcome.SKIPPED:
            pytest.skip(result.reason)
        if result.outcome is Outcome.FAILED:
            raise BlockFailedError(result)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any
    ) -> Any:
        """Show a failing block as the command does."""
        if not isinstance(excinfo.value, BlockFailedError):
            return super().repr_failure(excinfo, *args, **kwargs)
        from .report import explain

        return explain(excinfo.value.result, ["resty-py", "test"])

    def reportinfo(self) -> tuple[Path, int, str]:
        """Say where it is."""
        return self.path, self.block.raw.line - 1, self.name


class BlockFailedError(AssertionError):
    """A block that fails.

    Attributes:
        result: what came of it.
    """

    def __init__(self, result: Result) -> None:
        super().__init__("; ".join(check.name for check in result.failures))
        self.result = result
