"""Measure resty-py and, where it is installed, the real OpenResty beside it.

Each server runs on one core, its load on another. They take turns, round by
round, each time in a new process; what is reported is the median.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

from resty_py.vm import FLAVOURS, find_flavour

from .facts import facts
from .process import BenchError, cores, pin_to_load_core
from .report import Result, section, table, violations, write_section
from .scenarios import SCENARIOS, Scenario, measure
from .servers import RestyPy, ServerKind, find_openresty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .load import Sample

_TOOLS = ("taskset", "wrk")
_SECONDS = 5
_ROUNDS = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv*; return 0, 1 (a limit, a failure) or 2 (usage)."""
    words = sys.argv[1:] if argv is None else list(argv)
    parser = _parser()
    options = parser.parse_args(words)
    if complaint := _complaint(options):
        parser.error(complaint)
    try:
        return _run(options, shlex.join(["python", "-m", "bench", *words]))
    except BenchError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--scenario",
        nargs="+",
        choices=SCENARIOS,
        metavar="NAME",
        help=f"measure these only, of {', '.join(SCENARIOS)}",
    )
    parser.add_argument(
        "--lua", choices=FLAVOURS, metavar="FLAVOUR", help="resty-py's Lua flavour"
    )
    parser.add_argument(
        "--seconds",
        type=_positive,
        default=_SECONDS,
        help="how long each round loads a server (default: %(default)s)",
    )
    parser.add_argument(
        "--rounds",
        type=_positive,
        default=_ROUNDS,
        help="how often the servers take turns (default: %(default)s)",
    )
    parser.add_argument(
        "--only", choices=["resty-py", "openresty"], help="measure this server only"
    )
    parser.add_argument(
        "--write", action="store_true", help="put the results into bench/RESULTS.md"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit with 1 where a ratio is beyond its scenario's limit",
    )
    return parser


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _complaint(options: argparse.Namespace) -> str:
    if options.write and (options.scenario or options.only):
        return "--write takes complete runs: leave out --scenario and --only"
    if options.check and options.only:
        return "--check compares: leave out --only"
    if options.check and not any(scenario.limit for scenario in _chosen(options)):
        return "--check: no scenario here has a limit"
    return ""


def _chosen(options: argparse.Namespace) -> list[Scenario]:
    return [SCENARIOS[name] for name in options.scenario or SCENARIOS]


def _run(options: argparse.Namespace, command: str) -> int:
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            raise BenchError(f"{tool} is not installed")
    cores()
    pin_to_load_core()
    kinds = _kinds(options)
    results: list[Result] = []
    for scenario in _chosen(options):
        results += _compare(scenario, kinds, options.seconds, options.rounds)
    print(table(results), end="")
    if options.write:
        flavour = find_flavour(options.lua)
        title = f"{flavour.language} ({flavour.name})"
        write_section(section(title, command, facts(kinds), results))
    return _verdict(options, results)


def _kinds(options: argparse.Namespace) -> list[ServerKind]:
    found = [RestyPy(options.lua), find_openresty()]
    kinds: list[ServerKind] = [kind for kind in found if kind is not None]
    if len(kinds) < len(found):
        print("bench: OpenResty is not installed", file=sys.stderr)
    wanted = [kind for kind in kinds if options.only in (None, kind.name)]
    if not wanted:
        raise BenchError("there is nothing to measure")
    return wanted


def _compare(
    scenario: Scenario, kinds: Sequence[ServerKind], seconds: int, rounds: int
) -> list[Result]:
    """Let *kinds* take turns; one that fails sits out the rounds that are left."""
    samples: dict[str, list[Sample]] = {kind.name: [] for kind in kinds}
    failures: dict[str, str] = {}
    for round_number in range(1, rounds + 1):
        for kind in kinds:
            if kind.name in failures:
                continue
            where = f"{scenario.name} on {kind.name}, {round_number} of {rounds}"
            print(f"bench: {where}", file=sys.stderr)
            try:
                samples[kind.name].append(measure(scenario, kind, seconds))
            except BenchError as exc:
                failures[kind.name] = str(exc)
    return [
        Result(scenario, name, samples[name], failures.get(name, ""))
        for name in samples
    ]


def _verdict(options: argparse.Namespace, results: Sequence[Result]) -> int:
    broken = violations(results) if options.check else []
    for line in broken:
        print(f"bench: {line}", file=sys.stderr)
    return int(bool(broken or any(result.failure for result in results)))


if __name__ == "__main__":
    sys.exit(main())
