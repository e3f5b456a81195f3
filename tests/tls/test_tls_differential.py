"""TLS on cosockets beside the real OpenResty, with the same scripted peers."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from differential import Comparison, load_cases, short_folder
from lua_worker import VARIANTS
from tls_peers import open_tls_peers

#: bare(): a failure without a number that is not its own.
_BARE = """local function bare(ok, err) return ok, err and (err:gsub("^%d+: ", "")) end
"""

CASES = {
    name: _BARE + lua
    for name, lua in load_cases(Path(__file__).parent / "cases").items()
}

#: The same handshakes where no authority is trusted.
UNTRUSTED = {
    name: CASES[name]
    for name in ("verified", "no_name", "expired", "selfsigned", "intermediate")
}

# 0.10.23 speaks no TLS 1.3 unless it is told to.
_VERSIONS = "lua_ssl_protocols TLSv1.2 TLSv1.3;"


@pytest.fixture(scope="module")
def comparison(authority):
    with short_folder() as folder:
        yield Comparison(
            CASES,
            folder,
            settings=(
                f"lua_ssl_trusted_certificate={authority.ca}",
                "lua_ssl_verify_depth=2",
            ),
            directives=f"{_VERSIONS} lua_ssl_verify_depth 2; "
            f"lua_ssl_trusted_certificate {authority.ca};",
            peers=functools.partial(open_tls_peers, authority),
        )


@pytest.fixture(scope="module")
def untrusting(authority):
    with short_folder() as folder:
        yield Comparison(
            UNTRUSTED,
            folder,
            directives=_VERSIONS,
            peers=functools.partial(open_tls_peers, authority),
        )


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
async def test_same_as_openresty(comparison, variant, name):
    expected = await comparison.expected(name)
    assert await comparison.actual(name, variant) == expected


@pytest.mark.parametrize("name", UNTRUSTED)
@pytest.mark.parametrize("variant", VARIANTS[:2], ids=str)
async def test_same_without_trust(untrusting, variant, name):
    expected = await untrusting.expected(name)
    assert await untrusting.actual(name, variant) == expected
