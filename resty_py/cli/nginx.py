"""``resty-py nginx …``: the command line of the nginx binary.

Options, texts and exit codes are those of nginx 1.22 (``ngx_get_options``,
``ngx_show_version_info``, ``main``), so that what drives nginx can drive this.
Two long options are our own: ``--lenient`` and ``--lua FLAVOUR``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
import sys
from dataclasses import dataclass
from importlib.metadata import version
from platform import python_version
from typing import TYPE_CHECKING

from .. import __version__
from ..conf.configure import CONF_PATH, PREFIX, arguments
from ..server import cycle, pidfile
from ..server.log import NOTICE
from ..server.process import serve
from ..server.process_log import ProcessLog, say
from ..vm import UnknownFlavourError, find_flavour

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..conf.model import Config

__all__ = ["NGINX_VERSION", "main"]

#: The nginx that libraries see: ``ngx.config.nginx_version``.
NGINX_VERSION = "1.27.1"

#: The configuration file where ``-p`` names a prefix.
CONF_PATH_IN_PREFIX = "conf/nginx.conf"

USAGE = f"""\
Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]
             [--lenient] [--lua flavour]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and configure options then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a master process: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: {PREFIX})
  -e filename   : set error log file (default: logs/error.log)
  -c filename   : set configuration file (default: {CONF_PATH},
                  or {CONF_PATH_IN_PREFIX} where a prefix is set)
  -g directives : set global directives out of configuration file
  --lenient     : leave out directives that are not supported yet
  --lua flavour : set the Lua that runs (default: the best one that is there)

"""

#: nginx's names for options that take a value, and where the value is kept.
_VALUES = {
    "p": ("prefix", "directory name"),
    "e": ("error_log", "file name"),
    "c": ("conf_file", "file name"),
    "g": ("directives", "parameter"),
    "s": ("signal", "parameter"),
}

_FLAGS = {
    "?": ("show_help", "show_version"),
    "h": ("show_help", "show_version"),
    "v": ("show_version",),
    "V": ("show_version", "show_configure"),
    "t": ("test",),
    "T": ("test", "dump"),
    "q": ("quiet",),
}


@dataclass
class Options:
    """What the command line says; paths are as they are given.

    Attributes:
        show_help, show_version, show_configure: what to show.
        test, dump, quiet: ``-t``, ``-T`` and ``-q``.
        prefix, conf_file, error_log: the paths, or None.
        directives: the text of ``-g``.
        signal: the command of ``-s``, or None.
        lenient, flavour: our own.
    """

    show_help: bool = False
    show_version: bool = False
    show_configure: bool = False
    test: bool = False
    dump: bool = False
    quiet: bool = False
    prefix: str | None = None
    conf_file: str | None = None
    error_log: str | None = None
    directives: str = ""
    signal: str | None = None
    lenient: bool = False
    flavour: str | None = None


class _UsageError(Exception):
    """The command line is wrong; the text is nginx's."""


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments *argv* and return its exit code."""
    try:
        options = _parse(argv)
    except _UsageError as exc:
        say(str(exc))
        return 1
    if options.show_version:
        _show(options)
        if not options.test:
            return 0
    with _default_interrupt():
        return _run(options)


def _run(options: Options) -> int:
    prefix = PREFIX if options.prefix is None else _as_prefix(options.prefix)
    level = "info" if options.test else "notice"
    with contextlib.closing(ProcessLog(prefix, options.error_log, level)) as log:
        source = cycle.Source(
            prefix=prefix,
            path=_conf_path(options),
            directives=options.directives,
            error_log=log.path,
            lenient=options.lenient,
            flavour=options.flavour,
        )
        if options.test:
            return _test(source, options, log)
        return _act(source, options, log)


def _act(source: cycle.Source, options: Options, log: ProcessLog) -> int:
    """Send a signal, or serve."""
    try:
        config = cycle.read(source, log)
    except cycle.StartError:
        return 1
    if options.signal is None:
        return serve(source, config, _version(), log)
    log.write(NOTICE, b"signal process started")
    return int(not pidfile.send(config.settings["pid"], options.signal, log))


def _as_prefix(path: str) -> str:
    return path if not path or path.endswith("/") else f"{path}/"


def _conf_path(options: Options) -> str:
    if options.conf_file is not None:
        return options.conf_file
    return CONF_PATH if options.prefix is None else CONF_PATH_IN_PREFIX


@contextlib.contextmanager
def _default_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the process as it ends nginx, without a traceback."""
    former = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


# -t and -T -------------------------------------------------------------------


def _test(source: cycle.Source, options: Options, log: ProcessLog) -> int:
    path = os.path.join(source.prefix, source.path)

    def is_read() -> None:
        if not options.quiet:
            say(f"the configuration file {path} syntax is ok")

    try:
        config = cycle.check(source, log, is_read)
    except cycle.StartError:
        say(f"configuration file {path} test failed")
        return 1
    if not options.quiet:
        say(f"configuration file {path} test is successful")
    if options.dump:
        _dump(config)
    return 0


def _dump(config: Config) -> None:
    for name, data in config.files.items():
        head = b"# configuration file %b:\n" % os.fsencode(name)
        sys.stdout.buffer.write(head + data + b"\n")
    sys.stdout.buffer.flush()


# Options ---------------------------------------------------------------------


def _parse(argv: Sequence[str]) -> Options:
    """Return the options: ``ngx_get_options``.

    Letters may be joined; the value of an option is the rest of its word or
    the next one.
    """
    options = Options()
    words = iter(argv)
    for word in words:
        if word.startswith("--") and _take_own(options, word, words):
            continue
        if not word.startswith("-"):
            raise _UsageError(f'invalid option: "{word}"')
        _take_letters(options, word[1:], words)
    return options


def _take_own(options: Options, word: str, words: Iterator[str]) -> bool:
    name, equals, value = word.partition("=")
    if word == "--lenient":
        options.lenient = True
    elif name == "--lua":
        options.flavour = _flavour(value if equals else next(words, None))
    return word == "--lenient" or name == "--lua"


def _flavour(name: str | None) -> str:
    if not name:
        raise _UsageError('option "--lua" requires flavour')
    try:
        find_flavour(name)
    except UnknownFlavourError as exc:
        raise _UsageError(str(exc)) from None
    return name


def _take_letters(options: Options, letters: str, words: Iterator[str]) -> None:
    for place, letter in enumerate(letters, start=1):
        if letter in _VALUES:
            _take_value(options, letter, letters[place:] or next(words, None))
            return
        if letter not in _FLAGS:
            raise _UsageError(f'invalid option: "{letter}"')
        for name in _FLAGS[letter]:
            setattr(options, name, True)


def _take_value(options: Options, letter: str, value: str | None) -> None:
    name, wanted = _VALUES[letter]
    if value is None:
        raise _UsageError(f'option "-{letter}" requires {wanted}')
    if letter == "s" and value not in pidfile.COMMANDS:
        raise _UsageError(f'invalid option: "-s {value}"')
    if letter == "e" and value == "stderr":
        value = ""
    setattr(options, name, value)


# Versions --------------------------------------------------------------------


def _version() -> str:
    return f"nginx/{NGINX_VERSION} (resty-py {__version__})"


def _show(options: Options) -> None:
    lines = [f"nginx version: {_version()}\n"]
    if options.show_help:
        lines.append(USAGE)
    if options.show_configure:
        lupa, trio = version("lupa"), version("trio")
        lines += [
            f"built by CPython {python_version()} with lupa {lupa}, trio {trio}\n",
            f"built with {ssl.OPENSSL_VERSION}\n",
            "TLS SNI support enabled\n",
            f"configure arguments: {' '.join(arguments())}\n",
        ]
    sys.stderr.write("".join(lines))
    sys.stderr.flush()
