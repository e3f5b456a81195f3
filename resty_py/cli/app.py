"""``resty-py app.lua``: serve one Lua app.

Exit codes: 0 when the server was told to stop, 1 when it could not start or
go on, 2 when the command line or the app is wrong. Whatever is wrong is said
in one line on stderr that begins with ``resty-py: ``.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from .. import __version__, server
from ..host.dns import parse_nameserver
from ..server.config import (
    DEFAULT_LISTEN,
    AppConfig,
    Limits,
    MkLimits,
    SettingError,
    read_zone_size,
)
from ..server.listeners import ListenError, parse_listen
from ..server.log import LEVELS, find_level
from ..vm import FLAVOURS, VM, LuaError, UnknownFlavourError
from ..vm.paths import LUALIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["main"]

#: What answers requests under ``--api mk``.
MK_APP = LUALIB / "resty_py" / "mk" / "main.lua"

LimitsKind = TypeVar("LimitsKind", bound=Limits)

#: Workers that a master can have, with those of a former configuration.
MAX_WORKERS = 256

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it

EXAMPLES = """\
examples:
  resty-py app.lua
      serve app.lua on http://127.0.0.1:8080/
  resty-py app.lua --listen '*:80' --listen unix:/run/app.sock
      listen on all IPv4 addresses and on a unix domain socket
  resty-py app.lua --lua lua54 -I lib --error-log stderr:info
      run it on Lua 5.4, find modules in lib/, show what is going on
  resty-py app.lua --workers auto --shared-dict cache:10m
      serve it with a process for each CPU, and memory that they share
  resty-py app.lua --set client_max_body_size=20m --set send_timeout=1m30s
      change limits, named and written as in nginx.conf
  resty-py run script.lua one two; resty-py -e 'ngx.say(ngx.now())'
      run a script without a server; resty-py run -h tells more
  resty-py nginx -p . -c conf/nginx.conf
      serve an nginx.conf as nginx does; resty-py nginx -h tells more
"""


class _UsageError(Exception):
    """The command line or the app is wrong; the text is one line."""


class _Parser(argparse.ArgumentParser):
    """A parser that leaves it to :func:`main` to complain."""

    def error(self, message: str) -> NoReturn:
        """Raise _UsageError instead of printing the usage and exiting."""
        raise _UsageError(f"{message} (see resty-py --help)")


class _ShowSettings(argparse.Action):
    """``--settings``: list what ``--set`` knows."""

    def __call__(self, parser: argparse.ArgumentParser, *_args: Any) -> NoReturn:
        settings = list(Limits.settings())
        width = max(len(setting.name) for setting in settings)
        for setting in settings:
            print(f"{setting.name:{width}}  {setting.default:12}  {setting.wanted}")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``resty-py`` with *argv*, or the process's own, and return its exit code.

    Raises:
        SystemExit: with code 0, after ``--help``, ``--version`` or ``--settings``.
    """
    try:
        config = _configure(_parser().parse_args(argv))
        _check_app(config)
    except _UsageError as exc:
        _complain(exc)
        return WRONG_USAGE
    except OSError as exc:
        _complain(exc)
        return FAILED
    return _serve(config)


def _serve(config: AppConfig) -> int:
    code = 0
    try:
        code = server.serve_app(config)
    except* KeyboardInterrupt:
        code = INTERRUPTED
    except* (ListenError, LuaError, OSError) as group:
        for exc in _leaves(group):
            _complain(exc)
        code = FAILED
    return code


def _leaves(exc: BaseException) -> Iterator[BaseException]:
    if isinstance(exc, BaseExceptionGroup):
        for inner in exc.exceptions:
            yield from _leaves(inner)
    else:
        yield exc


def _complain(exc: BaseException) -> None:
    # What follows the first line is a traceback or a list of searched places.
    line = _text(exc).partition("\n")[0].rstrip(":")
    print("resty-py:", line, file=sys.stderr)


def _text(exc: BaseException) -> str:
    if isinstance(exc, OSError) and exc.strerror:
        return f"{exc.filename}: {exc.strerror}" if exc.filename else exc.strerror
    return str(exc)


def _configure(args: argparse.Namespace) -> AppConfig:
    app, root, limits = _checked_app(args.app, args.api, args.set)
    error_log, error_level = args.error_log
    _check_folder(limits)
    return AppConfig(
        app=app,
        listen=tuple(args.listen or [parse_listen(DEFAULT_LISTEN)]),
        flavour=args.lua,
        path=tuple(args.include),
        root=args.root or root,
        access_log=args.access_log,
        error_log=error_log,
        error_level=error_level,
        resolvers=tuple(args.resolver),
        limits=limits,
        shared_dicts=_distinct(args.shared_dict),
        workers=args.workers,
        blocking_warning=args.blocking_warning,
    )


def _checked_app(
    path: Path, api: str, settings: list[str]
) -> tuple[Path, Path, Limits]:
    """Return what answers requests, the folder that it is in, and its limits."""
    if not path.exists():
        raise _UsageError(f"{path}: no such file")
    if api == "mk" and path.is_dir():
        return MK_APP, path, _limits(MkLimits, settings)
    if not path.is_file():
        raise _UsageError(f"{path}: not a file")
    if api == "mk":
        limits = _limits(MkLimits, settings)
        script = dataclasses.replace(limits, mk_script=path.absolute())
        return MK_APP, path.parent, script
    return path, path.parent, _limits(Limits, settings)


def _limits(kind: type[LimitsKind], settings: list[str]) -> LimitsKind:
    try:
        return kind.parse(settings)
    except SettingError as exc:
        raise _UsageError(f"--set: {exc} (see resty-py --settings)") from None


def _check_folder(limits: Limits) -> None:
    path = limits.client_body_temp_path
    if not path.is_dir():
        raise _UsageError(f"--set: client_body_temp_path: {path}: no such directory")


def _distinct(dicts: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Return *dicts*, each of another name."""
    names = set()
    for name, _ in dicts:
        if name in names:
            raise _UsageError(f'--shared-dict: "{name}" is named twice')
        names.add(name)
    return tuple(dicts)


def _check_app(config: AppConfig) -> None:
    """Compile the app, so that a slip is found before anything listens."""
    try:
        vm = VM(config.flavour, path=config.path)
    except UnknownFlavourError as exc:
        raise _UsageError(str(exc)) from None
    try:
        vm.load_file(config.app)
    except LuaError as exc:
        raise _UsageError(str(exc)) from None


def _value(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Make argparse show the text of what *parse* raises."""

    def parse_value(text: str) -> Any:
        try:
            return parse(text)
        except (ListenError, ValueError) as exc:
            raise argparse.ArgumentTypeError(str(exc)) from None

    return parse_value


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise ValueError(f"{text}: no such directory")
    return path


def _access_log(text: str) -> Path | None:
    return None if text == "off" else Path("/dev/stdout" if text == "-" else text)


def _error_log(text: str) -> tuple[Path | None, str]:
    """Split ``FILE[:LEVEL]``."""
    name, colon, level = text.rpartition(":")
    if not colon:
        name, level = text, "error"
    find_level(level)
    return (None if name in ("", "stderr") else Path(name)), level


def _resolver(text: str) -> str:
    parse_nameserver(text)
    return text


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="resty-py",
        usage="resty-py app.lua [option]...",
        description="Serve a Lua app written for OpenResty, without nginx.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument_group("app").add_argument(
        "app", metavar="app.lua", type=Path, help="the Lua file that answers requests"
    )
    _add_server_options(parser.add_argument_group("server"))
    _add_lua_options(parser.add_argument_group("Lua"))
    _add_log_options(parser.add_argument_group("logs"))
    _add_help_options(parser.add_argument_group("help"))
    return parser


def _add_server_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--listen",
        metavar="ADDRESS",
        type=_value(parse_listen),
        action="append",
        help="where to listen: PORT, IP:PORT, [IPV6]:PORT, *:PORT or unix:PATH; "
        f"may be repeated (default: {DEFAULT_LISTEN})",
    )
    group.add_argument(
        "--workers",
        metavar="N",
        type=_value(_workers),
        default=0,
        help="serve with a master and N processes, or as many as there are CPUs "
        "with auto; SIGHUP reloads the app (default: one process)",
    )
    group.add_argument(
        "--root",
        metavar="DIR",
        type=_value(_folder),
        help="the document root and prefix (default: the folder of app.lua)",
    )
    group.add_argument(
        "--resolver",
        metavar="IP[:PORT]",
        type=_value(_resolver),
        action="append",
        default=[],
        help="a nameserver for cosockets; may be repeated "
        "(default: what the system does, /etc/hosts included)",
    )
    group.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a limit, named and written as in nginx.conf; may be repeated",
    )


def _workers(text: str) -> int:
    """Read ``N`` or ``auto``: as many as there are CPUs."""
    if text == "auto":
        return len(os.sched_getaffinity(0))
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= MAX_WORKERS:
        raise ValueError(f'"{text}" is no number of workers')
    return int(text)


def _milliseconds(text: str) -> float:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError(f'"{text}" is no number of milliseconds')
    return int(text) / 1000


def _shared_dict(text: str) -> tuple[str, int]:
    """Split ``NAME:SIZE``."""
    name, colon, size = text.partition(":")
    if not colon:
        raise ValueError(f'"{text}" is not NAME:SIZE')
    return name, read_zone_size(name, size)


def _add_lua_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--api",
        choices=("ngx", "mk"),
        default="ngx",
        help="what the app is written for: OpenResty, or Monkey's Lua plugin, where "
        "app.lua may be a folder of scripts (default: ngx)",
    )
    group.add_argument(
        "--lua",
        metavar="FLAVOUR",
        help=f"the Lua to run: {', '.join(FLAVOURS)} "
        "(default: the first one that is available)",
    )
    group.add_argument(
        "-I",
        dest="include",
        metavar="DIR",
        type=_value(_folder),
        action="append",
        default=[],
        help="look for modules here first; may be repeated",
    )
    group.add_argument(
        "--shared-dict",
        metavar="NAME:SIZE",
        type=_value(_shared_dict),
        action="append",
        default=[],
        help="a dictionary of ngx.shared, such as cache:10m; may be repeated",
    )


def _add_log_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--access-log",
        metavar="FILE",
        type=_access_log,
        help="log requests to FILE, or to stdout with - (default: off)",
    )
    group.add_argument(
        "--error-log",
        metavar="FILE[:LEVEL]",
        type=_value(_error_log),
        default=(None, "error"),
        help=f"log errors to FILE or stderr, from LEVEL on: {', '.join(LEVELS[1:])} "
        "(default: stderr:error)",
    )
    group.add_argument(
        "--blocking-warning",
        metavar="MS",
        type=_value(_milliseconds),
        default=0,
        help="log what keeps Lua from serving others for longer, at level warn",
    )


def _add_help_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--settings",
        action=_ShowSettings,
        nargs=0,
        help="list what --set knows, with defaults, and exit",
    )
    group.add_argument(
        "--version", action="version", version=_version(), help="show it and exit"
    )
    group.add_argument("-h", "--help", action="help", help="show this and exit")


def _version() -> str:
    parts = {
        "Python": python_version(),
        "lupa": version("lupa"),
        "trio": version("trio"),
    }
    return f"resty-py {__version__} ({', '.join(map(' '.join, parts.items()))})"
