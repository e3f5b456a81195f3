"""Light threads, coroutines, sleeps and semaphores beside the real OpenResty."""

from __future__ import annotations

from pathlib import Path

import pytest
from differential import Comparison, load_cases, short_folder
from lua_worker import VARIANTS

CASES = load_cases(Path(__file__).parent / "cases")

#: What a flavour cannot do, or says in its own words.
LIMITS = {
    ("lua51", "blocking_in_metamethods"),
    ("lua51", "yield_across_c"),
    ("lua51", "yield_across_c_uncaught"),
    ("lua52", "yield_across_c"),
    ("lua52", "yield_across_c_uncaught"),
    ("lua55", "entry_error_nil"),  # error(nil) is "<no error object>"
}


@pytest.fixture(scope="module")
def comparison():
    with short_folder() as folder:
        yield Comparison(CASES, folder)


@pytest.mark.parametrize(
    ("variant", "name"),
    [(v, n) for v in VARIANTS for n in CASES if (v.flavour, n) not in LIMITS],
    ids=str,
)
async def test_same_as_openresty(comparison, variant, name):
    expected = await comparison.expected(name)
    assert await comparison.actual(name, variant) == expected


@pytest.mark.parametrize(
    ("flavour", "words"),
    [
        ("lua51", "attempt to yield across metamethod/C-call boundary"),
        ("lua52", "attempt to yield across a C-call boundary"),
    ],
)
async def test_old_luas_refuse_in_their_own_words(comparison, flavour, words):
    variant = next(v for v in VARIANTS if v.flavour == flavour)
    theirs = await comparison.expected("yield_across_c")
    ours = await comparison.actual("yield_across_c", variant)
    assert ours.body == tuple(
        line.replace("attempt to yield across C-call boundary", words)
        for line in theirs.body
    )
