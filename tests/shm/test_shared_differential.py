"""ngx.shared beside the real OpenResty: each case on dictionaries of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from differential import Comparison, load_cases, short_folder
from lua_worker import VARIANTS

CASES = load_cases(Path(__file__).parent / "cases")

SIZES = dict.fromkeys(CASES, "1m")
SIZES |= {"small": "100k", "medium": "600k", "medium_too": "300k"}


@pytest.fixture(scope="module")
def comparison():
    directives = " ".join(
        f"lua_shared_dict {name} {size};" for name, size in SIZES.items()
    )
    with short_folder() as folder:
        yield Comparison(
            CASES, folder, directives=directives, options={"shared_dicts": SIZES}
        )


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("name", CASES)
async def test_same_as_openresty(comparison, variant, name):
    expected = await comparison.expected(name)
    actual = await comparison.actual(name, variant)
    assert actual == expected
