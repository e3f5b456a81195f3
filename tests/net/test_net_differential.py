"""Cosockets beside the real OpenResty, with the same scripted peers."""

from __future__ import annotations

from pathlib import Path

import pytest
from differential import Comparison, load_cases, short_folder
from lua_worker import VARIANTS

CASES = load_cases(Path(__file__).parent / "cases")

#: Cases that log something, run again with lua_socket_log_errors off.
QUIET = {
    name: CASES[name]
    for name in (
        "never_connected",
        "refused",
        "connect_timeout",
        "reset_then_receive",
        "reset_then_send",
        "unix",
        "write_timeout",
        "receive_timeout",
        "udp_timeout",
        "udp_refused",
        "backlog",
    )
}

#: What a flavour says in its own words: tests/scheduler has those.
LIMITS = {("lua51", "across_c"), ("lua52", "across_c")}


@pytest.fixture(scope="module")
def comparison():
    with short_folder() as folder:
        yield Comparison(CASES, folder)


@pytest.fixture(scope="module")
def quiet_comparison():
    with short_folder() as folder:
        yield Comparison(
            QUIET,
            folder,
            settings=("lua_socket_log_errors=off",),
            directives="lua_socket_log_errors off;",
        )


@pytest.mark.parametrize(
    ("variant", "name"),
    [(v, n) for v in VARIANTS for n in CASES if (v.flavour, n) not in LIMITS],
    ids=str,
)
async def test_same_as_openresty(comparison, variant, name):
    expected = await comparison.expected(name)
    assert await comparison.actual(name, variant) == expected


@pytest.mark.parametrize("name", QUIET)
@pytest.mark.parametrize("variant", VARIANTS[:2], ids=str)
async def test_same_without_socket_errors(quiet_comparison, variant, name):
    expected = await quiet_comparison.expected(name)
    assert await quiet_comparison.actual(name, variant) == expected
