"""What the code of a ``.t`` file sets: the functions of Test::Nginx."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .perl import DieError
from .perl.values import number, text, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Settings", "SkipFile", "functions"]


class SkipFile(Exception):  # noqa: N818
    """The file asks to be left out; the text is its reason."""


@dataclass
class Settings:
    """The settings of a file.

    Attributes:
        repeat_each: how often each block is run.
        workers, worker_connections, log_level, master: of the configuration.
        timeout: seconds that a client waits, if the block does not say.
        root_location: whether ``location /`` serves the html folder.
        accumulates: whether each look at the error log begins at its start.
        plan: how many checks there are to be, or None.
        server_name: the name of the server.
        preprocessors: called with each block.
        body_checks: called with each response body.
        cleanups: called after each block.
    """

    repeat_each: int = 1
    workers: int = 1
    worker_connections: int = 64
    log_level: str = "debug"
    master: bool = False
    timeout: float = 3.0
    root_location: bool = True
    accumulates: bool = False
    plan: int | None = None
    server_name: str = "localhost"
    preprocessors: list[Callable[..., Any]] = field(default_factory=list)
    body_checks: list[Callable[..., Any]] = field(default_factory=list)
    cleanups: list[Callable[..., Any]] = field(default_factory=list)


def functions(
    settings: Settings, places: Mapping[str, str], block_count: int
) -> dict[str, Callable[..., Any]]:
    """Return the functions of Test::Nginx for the code of a file.

    Args:
        settings: what they set.
        places: values of ``html_dir``, ``server_root`` and their like.
        block_count: what ``blocks()`` gives.
    """
    return {
        **_setters(settings),
        **{name: _giver(value) for name, value in places.items()},
        **dict.fromkeys(_WITHOUT_EFFECT, _nothing),
        "plan": lambda _, arguments: _plan(settings, arguments),
        "blocks": _giver(block_count),
        "skip_all": lambda _, arguments: _skip_all(arguments),
        "add_block_preprocessor": _adder(settings.preprocessors),
        "add_response_body_check": _adder(settings.body_checks),
        "add_cleanup_handler": _adder(settings.cleanups),
        "bail_out": lambda _, arguments: _die(arguments),
    }


#: Functions that only change how Perl's harness speaks or whether it shuffles.
_WITHOUT_EFFECT = (
    "no_diff", "no_long_string", "no_shuffle", "run_tests", "no_nginx_manager",
    "env_to_nginx", "use_http2", "use_http3", "no_http2", "worker_rlimit_nofile",
    "quit_on_failure", "note", "use_hup", "filters", "delimiters", "spec_file",
)  # fmt: skip


def _nothing(_interpreter: Any, _arguments: list[Any]) -> str:
    return ""


def _giver(value: Any) -> Callable[..., Any]:
    return lambda _interpreter, _arguments: value


def _die(arguments: Sequence[Any]) -> Any:
    raise DieError("".join(map(text, arguments)))


def _adder(functions: list[Callable[..., Any]]) -> Callable[..., Any]:
    def add(_interpreter: Any, arguments: list[Any]) -> None:
        functions.append(arguments[0])

    return add


def _setters(settings: Settings) -> dict[str, Callable[..., Any]]:
    """Return the functions that set one thing, and give it without arguments."""

    def setter(name: str, convert: Callable[[Any], Any]) -> Callable[..., Any]:
        def call(_interpreter: Any, arguments: list[Any]) -> Any:
            if arguments:
                setattr(settings, name, convert(arguments[0]))
            return getattr(settings, name)

        return call

    def switch(name: str, value: bool) -> Callable[..., Any]:
        def call(_interpreter: Any, arguments: list[Any]) -> Any:
            setattr(settings, name, truth(arguments[0]) if arguments else value)
            return 1

        return call

    def whole(value: Any) -> int:
        return int(number(value))

    return {
        "repeat_each": setter("repeat_each", whole),
        "workers": setter("workers", whole),
        "worker_connections": setter("worker_connections", whole),
        "log_level": setter("log_level", text),
        "timeout": setter("timeout", lambda value: float(number(value))),
        "server_name": setter("server_name", text),
        "master_on": switch("master", True),
        "master_process_enabled": switch("master", True),
        "check_accum_error_log": switch("accumulates", True),
        "no_root_location": lambda _i, _a: setattr(settings, "root_location", False),
    }


def _plan(settings: Settings, arguments: list[Any]) -> None:
    if len(arguments) >= 2 and arguments[0] == "skip_all":
        _skip_all(arguments[1:])
    if len(arguments) >= 2 and arguments[0] == "tests":
        settings.plan = int(number(arguments[1]))


def _skip_all(arguments: Sequence[Any]) -> None:
    raise SkipFile("".join(map(text, arguments)))
