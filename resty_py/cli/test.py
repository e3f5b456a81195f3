"""``resty-py test``: run Test::Nginx suites, without Perl and without nginx.

Exit codes: 0 when nothing failed, 1 when a block or a file did, 2 when the
command line is wrong, 130 when SIGINT or SIGTERM has ended it.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..testing import report, select
from ..testing.runner import Outcome
from ..testing.schedule import Options, Schedule, find_files
from ..vm import FLAVOURS, UnknownFlavourError, find_flavour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..testing.runner import Result
    from ..testing.schedule import FileResult

__all__ = ["main"]

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130

EXAMPLES = """\
examples:
  resty-py test
      run all .t files in t/
  resty-py test t/sanity.t -k 'TEST 3'
      run one block
  resty-py test -j 4 --junit report.xml
      run four files at once, write a report for a CI
  resty-py test --binary nginx
      run them against the real nginx; TEST_NGINX_LOAD_MODULES names modules
      that it is to load
"""


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments *argv* and return its exit code.

    Raises:
        SystemExit: with code 0 after ``--help``, 2 if the arguments are wrong.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        files = find_files(args.paths or [Path("t")])
    except FileNotFoundError as exc:
        parser.error(f"{exc}: no such file or folder")
    if not files:
        parser.error("no .t files")
    # Servers and folders go with a run that is told to end, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    start = time.monotonic()
    progress = report.Progress(
        sys.stderr if args.tap else sys.stdout, is_verbose=args.verbose
    )
    try:
        results = Schedule(_options(args), progress.take).run(files)
    except KeyboardInterrupt:
        progress.end()
        return INTERRUPTED
    progress.end()
    return _report(results, args, time.monotonic() - start)


def _options(args: argparse.Namespace) -> Options:
    selects = args.keyword or (lambda _block: True)
    return Options(
        jobs=args.jobs, binary=args.binary, flavour=args.lua, selects=selects
    )


def _report(files: list[FileResult], args: argparse.Namespace, seconds: float) -> int:
    out = sys.stderr if args.tap else sys.stdout
    command = _command(args)
    failed = False
    for file in files:
        for what in (file.error, file.plan_error):
            if what:
                failed = True
                print(f"--- {file.path}: {what}", file=out)
        if file.reason:
            print(f"left out: {file.path}: {file.reason}", file=out)
        for result in file.results:
            if result.outcome is Outcome.FAILED:
                failed = True
                print(report.explain(result, command), file=out)
            elif result.outcome is Outcome.SKIPPED and args.verbose:
                _show_skipped(result, out)
    if args.junit:
        report.write_junit(files, args.junit)
    if args.tap:
        report.write_tap(files)
    print(report.summary(files, seconds), file=out)
    return FAILED if failed else 0


def _show_skipped(result: Result, out: Any) -> None:
    print(f"skipped: {report.title(result)}: {result.reason}", file=out)


def _command(args: argparse.Namespace) -> list[str]:
    words = ["resty-py", "test"]
    if args.binary:
        words += ["--binary", args.binary]
    if args.lua:
        words += ["--lua", args.lua]
    return words


# The command line --------------------------------------------------------------


def _keyword(text: str) -> Any:
    try:
        return select.selector(text)
    except select.SelectionError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def _flavour(name: str) -> str:
    try:
        find_flavour(name)
    except UnknownFlavourError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None
    return name


def _binary(text: str) -> str:
    if not shlex.split(text):
        raise argparse.ArgumentTypeError("no command")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="resty-py test",
        description="Run Test::Nginx suites, without Perl and without nginx.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "paths",
        metavar="FILE|DIR",
        nargs="*",
        type=Path,
        help=".t files, and folders that have some (default: t)",
    )
    _add_run_options(parser.add_argument_group("what is run"))
    _add_report_options(parser.add_argument_group("reports"))
    return parser


def _add_run_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-k",
        dest="keyword",
        metavar="EXPR",
        type=_keyword,
        help="only blocks whose file or name has the words of EXPR; with and, or, "
        "not and parentheses; a number is that of TEST number",
    )
    group.add_argument(
        "-j",
        dest="jobs",
        metavar="N",
        type=int,
        default=1,
        help="how many files are run at once (default: 1)",
    )
    group.add_argument(
        "--lua",
        metavar="FLAVOUR",
        type=_flavour,
        help=f"the Lua to run: {', '.join(FLAVOURS)}",
    )
    group.add_argument(
        "--binary",
        metavar="CMD",
        type=_binary,
        help="run the blocks against another server, such as the real nginx",
    )


def _add_report_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--junit", metavar="FILE", type=Path, help="write JUnit's XML")
    group.add_argument("--tap", action="store_true", help="print TAP")
    group.add_argument(
        "-v", dest="verbose", action="store_true", help="show each block as it ends"
    )
