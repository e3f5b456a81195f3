"""``resty-py run``: run a Lua script, as OpenResty's ``resty`` does.

Options, exit codes and what goes to stdout and stderr are those of ``resty``;
docs/run.md tells the differences. Nothing is imported that a run does not use.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from typing import TYPE_CHECKING

from .postponed import postpone
from .run_options import Options, UsageError, parse, usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..server.console import Console

__all__ = ["main"]

FAILED = 1

#: Modules that are not imported before a script makes use of what they do.
_POSTPONED = (
    "h11",
    "resty_py.host.dns",
    "resty_py.shm.memory",
    "resty_py.shm.zone",
    "trio",
)


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments *argv* and return its exit code."""
    _prepare_process()
    try:
        options = parse(argv)
        if options.runner:
            _become(options.runner, options.rest)
        if options.show:
            return _show(options)
        return _run(options, argv)
    except UsageError as exc:
        _complain(str(exc))
        if exc.is_usage:
            sys.stderr.write(usage())
    except OSError as exc:
        _complain(_text_of(exc))
    return FAILED


def _prepare_process() -> None:
    """Have INT end the process, and no file of ours be a standard one."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            # As before it can be used for nothing that it is for.
            os.open(os.devnull, os.O_RDONLY if fd else os.O_WRONLY)


def _run(options: Options, argv: Sequence[str]) -> int:
    postpone(_POSTPONED)
    from ..server.log import route_logging
    from ..vm import LuaError, UnknownFlavourError

    try:
        console = _console(options)
    except (LuaError, UnknownFlavourError, ValueError) as exc:
        raise UsageError(str(exc).partition("\n")[0]) from exc
    if console is None:
        return FAILED
    code = 0
    try:
        with route_logging(console.logs.main):
            code = console.run_script(
                inline=_inline(options),
                file=None if options.file is None else os.fsencode(options.file),
                words=list(map(os.fsencode, [sys.argv[0], *argv[: options.own]])),
                args=list(map(os.fsencode, options.args)),
                jit=options.jit,
            )
    except LuaError as exc:
        raise UsageError(str(exc).partition("\n")[0]) from exc
    finally:
        console.close()
        console.logs.close()
    if code:
        _leave(code)
    return code


def _leave(code: int) -> None:
    """End the process at once, as a signal wants: Lua's finalizers may take long."""
    import ctypes

    ctypes.CDLL(None).fflush(None)
    os._exit(code)


def _inline(options: Options) -> bytes | None:
    return os.fsencode("; ".join(options.inline)) if options.inline else None


def _console(options: Options) -> Console | None:
    """Return the worker that is to run the script; None: stderr says why not."""
    if options.needs_conf:
        from ..server.console_conf import open_configured

        return open_configured(options)
    from ..server.console_plain import open_plain

    return open_plain(options)


def _text_of(error: OSError) -> str:
    """Return what went wrong as nginx says it."""
    if error.filename is None:
        return error.strerror or str(error)
    return f"{error.filename} failed ({error.errno}: {error.strerror})"


def _become(runner: str, words: Sequence[str]) -> None:
    """Be run by another command: ``--user-runner``."""
    try:
        command = shlex.split(runner)
    except ValueError as exc:
        raise UsageError(f"--user-runner {runner}: {exc}") from exc
    command += [sys.executable, "-m", "resty_py", "run", *words]
    try:
        os.execvp(command[0], command)
    except OSError as exc:
        raise UsageError(f"{command[0]}: {exc.strerror}") from exc


def _show(options: Options) -> int:
    if options.show == "help":
        sys.stdout.write(usage())
    elif options.show == "version":
        from .. import __version__
        from . import nginx

        print(f"resty-py {__version__}", flush=True)
        nginx.main(["-V"])
    else:
        from ..server.console_conf import configuration

        sys.stdout.buffer.write(os.fsencode(configuration(options)))
    sys.stdout.flush()
    return 0


def _complain(text: str) -> None:
    print("resty-py run:", text, file=sys.stderr)
