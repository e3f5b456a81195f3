"""The bench's arithmetic, its table and its page of results."""

import pytest

from bench.facts import readable_versions
from bench.report import (
    Result,
    find_ratio,
    medians,
    replace_section,
    section,
    spread,
    table,
    violations,
)
from bench.scenarios import SCENARIOS

HELLO = SCENARIOS["hello"]
IDLE = SCENARIOS["idle"]
SLEEP = SCENARIOS["sleep"]


def result(scenario, server, *values, failure=""):
    samples = [{scenario.headline: value} for value in values]
    return Result(scenario, server, samples, failure)


def test_medians_resist_one_bad_round():
    samples = [{"cpu": 9.0, "rps": 10.0}, {"cpu": 90.0, "rps": 1.0}]
    samples.append({"cpu": 10.0, "rps": 9.0})
    assert medians(samples) == {"cpu": 10.0, "rps": 9.0}


def test_medians_of_an_even_number_of_rounds_is_the_middle():
    assert medians([{"cpu": 8.0}, {"cpu": 10.0}]) == {"cpu": 9.0}


def test_medians_of_nothing():
    assert medians([]) == {}


def test_medians_leave_out_what_some_round_lacks():
    assert medians([{"cpu": 1.0, "p99": 2.0}, {"cpu": 3.0}]) == {"cpu": 2.0}


def test_spread_is_the_range_in_percent_of_the_median():
    assert spread(result(HELLO, "resty-py", 9.0, 10.0, 12.0)) == pytest.approx(30)


def test_one_round_has_no_spread():
    assert spread(result(HELLO, "resty-py", 9.0)) is None


def test_ratio_divides_ours_by_theirs():
    results = [result(HELLO, "resty-py", 15.0), result(HELLO, "openresty", 10.0)]
    assert find_ratio(results, HELLO) == pytest.approx(1.5)


def test_ratio_of_the_idle_scenario_is_of_memory():
    ours = Result(IDLE, "resty-py", [{"rss": 90.0, "connection": 3.0}])
    theirs = Result(IDLE, "openresty", [{"rss": 10.0, "connection": 0.5}])
    assert find_ratio([ours, theirs], IDLE) == pytest.approx(6)


@pytest.mark.parametrize("only", ["resty-py", "openresty"])
def test_no_ratio_with_one_server(only):
    assert find_ratio([result(HELLO, only, 10.0)], HELLO) is None


def test_no_ratio_where_every_round_failed():
    results = [result(HELLO, "resty-py", 15.0), result(HELLO, "openresty")]
    assert find_ratio(results, HELLO) is None


def pair(scenario, ours, theirs):
    return [result(scenario, "resty-py", ours), result(scenario, "openresty", theirs)]


def test_a_ratio_at_the_limit_is_accepted():
    assert violations(pair(HELLO, 20.0, 10.0)) == []


def test_a_ratio_beyond_the_limit_is_not():
    assert violations(pair(HELLO, 20.1, 10.0)) == [
        "hello: ratio 2.01, the limit is 2.00"
    ]


def test_a_limit_that_was_not_measured_is_not_met():
    assert violations([result(HELLO, "resty-py", failure="it broke")]) == [
        "hello: no ratio, the limit is 2.00"
    ]


def test_a_scenario_without_limit_is_not_checked():
    assert violations(pair(SLEEP, 90.0, 1.0)) == []


def test_the_limits_are_those_promised():
    limits = {name: s.limit for name, s in SCENARIOS.items() if s.limit}
    assert limits == {
        "base64": 2.5,
        "digest": 2.5,
        "gsub": 1.5,
        "hello": 2.0,
        "match": 1.5,
        "cosocket": 1.6,
        "phases": 2.0,
        "regex": 2.0,
        "capture": 2.5,
        "cosocket_tls": 2.5,
    }


def test_table_shows_each_server_and_the_ratio_on_ours_only():
    lines = table(pair(HELLO, 15.04, 10.0)).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    title, _, ours, theirs = cells
    assert dict(zip(title, ours, strict=True)) == {
        "scenario": "hello",
        "server": "resty-py",
        "CPU µs/request": "15.0",
        "requests/s": "-",
        "p99 ms": "-",
        "core busy %": "-",
        "RSS MiB": "-",
        "KiB/idle connection": "-",
        "spread %": "-",
        "ratio": "1.50",
    }
    assert (theirs[1], theirs[-1]) == ("openresty", "-")


def test_table_is_aligned():
    lines = table(pair(HELLO, 1234.5, 10.0)).splitlines()
    assert len({len(line) for line in lines}) == 1


def test_table_names_failures_below():
    failed = result(HELLO, "resty-py", failure="wrk says: Non-2xx responses: 5")
    assert table([failed]).endswith(
        "\n\n- hello on resty-py failed: wrk says: Non-2xx responses: 5\n"
    )


FACTS = {"Kernel": "Linux 6.1"}


def page(*titles):
    text = ""
    for title, cpu in titles:
        new = section(title, "python -m bench", FACTS, pair(HELLO, cpu, 10.0))
        text = replace_section(text, new)
    return text


def test_section_tells_command_facts_and_scenarios():
    text = page(("LuaJIT 2.1", 15.0))
    assert "\n## LuaJIT 2.1\n\n`python -m bench`\n\n- Kernel: Linux 6.1\n\n" in text
    assert f"\n- hello: {HELLO.summary}\n" in text


def test_a_new_section_joins_the_page():
    assert page(("LuaJIT 2.1", 15.0), ("Lua 5.4", 30.0)).count("\n## ") == 2


def test_a_section_replaces_the_one_of_its_heading_in_place():
    before = page(("LuaJIT 2.1", 11.0), ("Lua 5.4", 30.0))
    after = page(("LuaJIT 2.1", 99.0), ("Lua 5.4", 30.0), ("LuaJIT 2.1", 11.0))
    assert after == before
    assert before.startswith("# ")


def test_numbered_versions_become_readable():
    answer = "1022001 10023 LuaJIT 2.1.0-beta3\n"
    assert readable_versions(answer) == (
        "nginx 1.22.1, lua-nginx-module 0.10.23, LuaJIT 2.1.0-beta3"
    )
