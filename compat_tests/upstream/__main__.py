"""``python -m upstream``: run upstream's suites and keep their ledgers."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from resty_py.testing.report import Progress
from resty_py.vm import FLAVOURS

from . import page, real, record
from .ledger import BASE, LedgerError
from .reasons import REASONS
from .source import UnavailableError
from .suite import JOBS, Run
from .suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .suite import Suite


def main(argv: Sequence[str]) -> int:
    """Run the command with the arguments *argv* and return its exit code."""
    args = _parser().parse_args(argv)
    try:
        if args.do == "page":
            page.write()
            return 0
        suite = SUITES[args.suite]
        tree = suite.source.fetch()
        if args.do == "path":
            print(tree)
            return 0
        return _run(args, suite, _names(args, suite.files(tree)))
    except (UnavailableError, LedgerError, pytest.skip.Exception) as exc:
        print(exc, file=sys.stderr)
        return 1


def _names(args: argparse.Namespace, names: list[str]) -> list[str]:
    wanted = args.files
    return [name for name in names if not wanted or any(w in name for w in wanted)]


def _run(args: argparse.Namespace, suite: Suite, names: list[str]) -> int:
    progress = Progress(sys.stdout, is_verbose=args.verbose)
    run = Run(
        suite,
        suite.source.fetch(),
        args.lua,
        real.COMMAND if args.do == "real" else None,
        args.jobs,
        progress.take,
    )
    start = time.monotonic()
    if args.do == "real":
        outside = record.record_real(run, names)
        progress.end()
        print(f"{len(outside)} blocks are outside the scores")
        return 0
    if args.do == "update":
        comparison = record.record(run, names, args.force)
    else:
        comparison = record.compare(run, names)
    progress.end()
    return _report(comparison, args, time.monotonic() - start)


def _report(
    comparison: record.Comparison, args: argparse.Namespace, seconds: float
) -> int:
    for what in ("gained", "shaky"):
        for name, blocks in record.grouped(getattr(comparison, what)).items():
            print(f"{what}: {name}: TEST {', '.join(blocks)}")
    for name in comparison.found:
        for text in comparison.lost_in(name):
            print(text)
    count = sum(map(len, comparison.found.values()))
    lost, gained = len(comparison.lost), len(comparison.gained)
    cpu = sum(os.times()[:4])
    spent = f"{seconds:.0f}s, CPU {cpu:.0f}s"
    print(f"{count} blocks, {lost} lost, {gained} gained in {spent}")
    return 1 if comparison.lost and args.force is None else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m upstream", description=__doc__)
    commands = parser.add_subparsers(dest="do", required=True)
    commands.add_parser("page", help="write the scores into docs/upstream.md")
    for name, text in {
        "path": "download a suite and print its folder",
        "run": "run a suite and compare it with its ledger",
        "update": "run a suite and write its ledger",
        "real": "write down what the real nginx does not pass",
    }.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("suite", choices=sorted(SUITES))
        command.add_argument("files", nargs="*", help="words of .t files' names")
        command.add_argument("--lua", choices=FLAVOURS, default=BASE)
        command.add_argument("-j", dest="jobs", type=int, default=JOBS)
        command.add_argument("-v", dest="verbose", action="store_true")
        command.add_argument(
            "--force",
            metavar="REASON",
            nargs="?",
            const="",
            choices=["", *sorted(REASONS)],
            help="of update: let blocks that passed go, for a reason of reasons.py or"
            " for those that show",
        )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
