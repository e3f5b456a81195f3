"""From samples to medians, ratios, a table, and the page of results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .load import Sample
    from .scenarios import Scenario

__all__ = [
    "METRICS",
    "Metric",
    "Result",
    "find_ratio",
    "medians",
    "replace_section",
    "section",
    "spread",
    "table",
    "violations",
    "write_section",
]

RESULTS = Path(__file__).parent / "RESULTS.md"

#: The server whose numbers are divided, and the one they are divided by.
OURS, THEIRS = "resty-py", "openresty"

_INTRODUCTION = """\
# resty-py and OpenResty side by side

Written by `python -m bench --write`; one section for each Lua flavour. Lower
is better for CPU, p99 and memory. The ratio is resty-py's number divided by
OpenResty's: of memory for each connection where the scenario is idle, of CPU
time per request elsewhere. Spread is how far apart the rounds were, as a share
of the median. p99 is wrk's with every connection busy all the time. Core busy
below 100 means that the load, Redis or the network between them was slower
than the server. OpenResty sets aside part of the memory of all connections
when it starts, which its RSS shows and its KiB/idle connection does not.
"""


@dataclass(frozen=True)
class Metric:
    """A column: its title, and the digits after the point."""

    title: str
    digits: int = 0

    def text(self, value: float | None) -> str:
        """Return *value* as it is printed; a dash where there is none."""
        return "-" if value is None else f"{value:,.{self.digits}f}"


#: What a Sample may hold, in the order of the columns.
METRICS: dict[str, Metric] = {
    "cpu": Metric("CPU µs/request", 1),
    "rps": Metric("requests/s"),
    "p99": Metric("p99 ms", 2),
    "busy": Metric("core busy %"),
    "rss": Metric("RSS MiB", 1),
    "connection": Metric("KiB/idle connection", 2),
}

_TITLES = ["scenario", "server"]
_TITLES += [metric.title for metric in METRICS.values()]
_TITLES += ["spread %", "ratio"]


@dataclass(frozen=True)
class Result:
    """One scenario on one server: a sample for each round, or why there is none."""

    scenario: Scenario
    server: str
    samples: Sequence[Sample]
    failure: str = ""


def medians(samples: Sequence[Sample]) -> dict[str, float]:
    """Return the median of every metric that all *samples* have."""
    if not samples:
        return {}
    common = set(samples[0]).intersection(*samples)
    return {name: median(sample[name] for sample in samples) for name in common}


def spread(result: Result) -> float | None:
    """Return the headline's range in percent of its median; None without one."""
    values = [sample[result.scenario.headline] for sample in result.samples]
    if len(values) < 2 or median(values) == 0:
        return None
    return (max(values) - min(values)) / median(values) * 100


def find_ratio(results: Iterable[Result], scenario: Scenario) -> float | None:
    """Return our headline divided by theirs, or None where one is missing."""
    found = {
        result.server: medians(result.samples).get(scenario.headline)
        for result in results
        if result.scenario is scenario
    }
    ours, theirs = found.get(OURS), found.get(THEIRS)
    return None if ours is None or not theirs else ours / theirs


def violations(results: Sequence[Result]) -> list[str]:
    """Return a line for every limit that is exceeded or was not measured."""
    lines = []
    for scenario in _scenarios(results):
        ratio = find_ratio(results, scenario)
        if scenario.limit is None or (ratio is not None and ratio <= scenario.limit):
            continue
        what = "no ratio" if ratio is None else f"ratio {ratio:.2f}"
        lines.append(f"{scenario.name}: {what}, the limit is {scenario.limit:.2f}")
    return lines


def table(results: Sequence[Result]) -> str:
    """Return a Markdown table, its columns aligned; failures come below it."""
    rows = [_row(result, results) for result in results]
    widths = [max(map(len, column)) for column in zip(_TITLES, *rows, strict=True)]
    lines = [_line(_TITLES, widths), _rule(widths)]
    lines += [_line(row, widths) for row in rows]
    failures = [
        f"- {result.scenario.name} on {result.server} failed: {result.failure}"
        for result in results
        if result.failure
    ]
    return "\n".join([*lines, *([""] if failures else []), *failures]) + "\n"


def section(
    title: str, command: str, facts: Mapping[str, str], results: Sequence[Result]
) -> str:
    """Return a section of the page of results.

    Args:
        title: its heading, which makes it replace an older one.
        command: the command line that measured.
        facts: machine and versions by name.
        results: what was measured.
    """
    scenarios = [f"- {s.name}: {s.summary}" for s in _scenarios(results)]
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    parts = [f"`{command}`", "\n".join(lines), "\n".join(scenarios), table(results)]
    return f"## {title}\n\n" + "\n\n".join(parts)


def replace_section(page: str, new: str) -> str:
    """Return *page* with the section of the same heading replaced, or added."""
    heading = new.partition("\n")[0] + "\n"
    first, *old = (page or _INTRODUCTION).split("\n## ")
    sections = [f"## {text.strip()}\n" for text in old]
    places = [i for i, text in enumerate(sections) if text.startswith(heading)]
    if places:
        sections[places[0]] = new
    else:
        sections.append(new)
    return "\n".join([first.strip() + "\n", *sections])


def write_section(new: str) -> None:
    """Put the section *new* on the page of results, bench/RESULTS.md."""
    page = RESULTS.read_text() if RESULTS.exists() else ""
    RESULTS.write_text(replace_section(page, new))


def _scenarios(results: Iterable[Result]) -> list[Scenario]:
    return list({r.scenario.name: r.scenario for r in results}.values())


def _row(result: Result, results: Sequence[Result]) -> list[str]:
    values = medians(result.samples)
    ratio = find_ratio(results, result.scenario) if result.server == OURS else None
    return [
        result.scenario.name,
        result.server,
        *(metric.text(values.get(name)) for name, metric in METRICS.items()),
        Metric("", 0).text(spread(result)),
        Metric("", 2).text(ratio),
    ]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    words = [cell.ljust(width) for cell, width in zip(cells[:2], widths, strict=False)]
    numbers = zip(cells[2:], widths[2:], strict=True)
    return f"| {' | '.join(words + [c.rjust(w) for c, w in numbers])} |"


def _rule(widths: Sequence[int]) -> str:
    cells = ["-" * width for width in widths[:2]]
    cells += ["-" * (width - 1) + ":" for width in widths[2:]]
    return f"| {' | '.join(cells)} |"
