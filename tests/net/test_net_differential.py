"""Cosockets beside the real OpenResty, with the same scripted peers."""

from __future__ import annotations

from pathlib import Path

import pytest
from differential import Comparison, load_cases, short_folder
from lua_worker import VARIANTS

CASES = load_cases(Path(__file__).parent / "cases")

#: What a flavour says in its own words: tests/scheduler has those.
LIMITS = {("lua51", "across_c"), ("lua52", "across_c")}


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
