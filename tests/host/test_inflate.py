"""Unpacking for Lua: the streams of the gunzip module."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from resty_py.host import inflate


def unpack(pieces, most):
    """Return what comes of pieces, and how each ended."""
    host = inflate.functions()
    number = host["open"]()
    found = []
    for piece in pieces:
        data, has_more, *code = host["write"](number, piece, most)
        while has_more:
            assert len(data) == most
            found.append(data)
            data, has_more, *code = host["write"](number, b"", most)
        if code:
            return code[0]
        found.append(data)
    is_complete = host["is_complete"](number)
    host["close"](number)
    return b"".join(found), is_complete


@given(
    members=st.lists(st.binary(max_size=2000), min_size=1, max_size=3),
    size=st.integers(1, 50),
    most=st.integers(1, 500),
)
def test_any_pieces_give_the_whole(members, size, most):
    packed = b"".join(map(gzip.compress, members))
    pieces = [packed[i : i + size] for i in range(0, len(packed), size)]
    assert unpack(pieces, most) == (b"".join(members), True)


@given(cut=st.integers(1, 30))
def test_what_is_cut_is_not_complete(cut):
    packed = gzip.compress(b"abc" * 100)
    assert unpack([packed[:-cut]], 4096)[1] is False


def test_what_lies_behind_a_full_piece_comes_too():
    assert unpack([gzip.compress(bytes(10000))], 100) == (bytes(10000), True)


def test_what_is_broken_has_a_code():
    assert unpack([b"no gzip"], 100) == -3
    assert unpack([gzip.compress(b"a") + b"rest"], 100) == -3
    assert unpack([gzip.compress(b"a"), b"rest"], 100) == -3
