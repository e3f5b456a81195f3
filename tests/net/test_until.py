"""receiveuntil against a byte-by-byte automaton, with data in random pieces.

The automaton is what the reference documents: it reads a byte at a time, keeps
how much of the pattern it has seen, and gives out bytes once they are known not
to begin it. Beside real peers: tests/net/cases/until.lua.
"""

from __future__ import annotations

import socket

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resty_py.host.sys import Poller
from resty_py.vm import FLAVOURS, VM

HARNESS = b"""
local connections = require "resty_py.net.connection"
local until_ = require "resty_py.net.until"
local M, socket, state = {}, nil, nil
local most_held = 0

local function fill(self)
    -- Nobody polls here: every read is worth trying.
    self.connection.readable = true
    local data, err = self.connection:read_now(16384)
    if data then
        self.connection:put_back(data)
        most_held = math.max(most_held, #self.connection.buffer)
        return true
    end
    return nil, err == "again" and "timeout" or err
end

function M.open(fd, pattern, inclusive)
    socket = {connection = assert(connections.adopt(fd))}
    state = until_.new(pattern, inclusive, fill)
end

function M.read(size)
    if state.ended then
        state.ended = false
        return nil, nil, nil
    end
    return until_.read(socket, 0, state:want(size))
end

-- The most bytes that the buffer has held since the last call.
function M.most_held()
    local most = most_held
    most_held = 0
    return most
end

-- What is left for other readers.
function M.rest()
    fill(socket)
    return socket.connection:take_buffer()
end

function M.close()
    socket.connection:close()
end

return M
"""


class Ours:
    """The iterator of ours, on one end of a socket pair."""

    def __init__(self, lua, pattern, inclusive):
        self._lua = lua
        self._ours, self._peer = socket.socketpair()
        self._ours.setblocking(False)
        lua[b"open"](self._ours.fileno(), pattern, inclusive)

    def feed(self, data):
        self._peer.sendall(data)

    def end(self):
        self._peer.shutdown(socket.SHUT_WR)

    def read(self, size):
        answer = self._lua[b"read"](size)
        answer = answer if isinstance(answer, tuple) else (answer,)
        return tuple(answer) + (None,) * (3 - len(answer))

    def rest(self):
        return self._lua[b"rest"]()

    def close(self):
        self._lua[b"close"]()
        self._ours.detach()
        self._peer.close()


class Automaton:
    """What the reference says, byte by byte."""

    def __init__(self, pattern, inclusive):
        self.pattern, self.inclusive = pattern, inclusive
        self.seen, self.ended, self.buffer, self.eof = 0, False, b"", False

    def feed(self, data):
        self.buffer += data

    def end(self):
        self.eof = True

    def rest(self):
        rest, self.buffer = self.buffer, b""
        return rest

    def _shorter(self, byte):
        """Return the longest beginning of two bytes or more that still fits."""
        text = self.pattern[: self.seen] + byte
        fits = (k for k in range(self.seen, 1, -1) if text.endswith(self.pattern[:k]))
        return next(fits, 0)

    def read(self, size):
        if self.ended:
            self.ended = False
            return None, None, None
        out = b""
        while not size or len(out) < size:
            if not self.buffer:
                return None, b"closed" if self.eof else b"timeout", out
            byte = self.buffer[:1]
            if byte == self.pattern[self.seen : self.seen + 1]:
                self.buffer, self.seen = self.buffer[1:], self.seen + 1
                if self.seen == len(self.pattern):
                    self.seen, self.ended = 0, bool(size)
                    return out + self.pattern * self.inclusive, None, None
            elif self.seen == 0:
                self.buffer, out = self.buffer[1:], out + byte
            elif shorter := self._shorter(byte):
                out += self.pattern[: self.seen + 1 - shorter]
                self.buffer, self.seen = self.buffer[1:], shorter
            else:
                out, self.seen = out + self.pattern[: self.seen], 0
        return out, None, None


@pytest.fixture(params=FLAVOURS, scope="module")
def lua(request):
    poller = Poller(prefer_ffi=True)
    vm = VM(
        request.param,
        {
            "sys": poller.functions(),
            "clock": {"now": lambda: (0.0, 0.0), "offset": lambda: None},
            "log": {"level": lambda: 0, "write": lambda *_: None},
        },
    )
    yield vm.run(HARNESS)
    poller.close()


LETTERS = st.sampled_from(["a", "b"])
STEPS = st.lists(
    st.one_of(st.text(LETTERS, min_size=1, max_size=8), st.integers(0, 5)),
    min_size=1,
    max_size=25,
)


@given(pattern=st.text(LETTERS, min_size=1, max_size=6), steps=STEPS, inclusive=...)
@example("aabaaa", ["aabaabaaab", 2, 2, 2, "aa", 2, 2, 2, 2], False)
@example("ab", ["a", 0, "a", 0, "b", 0], True)
@settings(deadline=None, max_examples=200)
def test_like_the_automaton(lua, pattern, steps, inclusive: bool):
    pattern = pattern.encode()
    ours, model = Ours(lua, pattern, inclusive), Automaton(pattern, inclusive)
    try:
        for step in steps:
            if isinstance(step, str):
                ours.feed(step.encode())
                model.feed(step.encode())
            else:
                assert ours.read(step) == model.read(step)
        assert ours.rest() == model.rest()
        ours.end()
        model.end()
        for size in (3, 0, 3):
            assert ours.read(size) == model.read(size)
    finally:
        ours.close()


@given(
    pattern=st.binary(min_size=1, max_size=4),
    data=st.binary(max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=5),
)
@settings(deadline=None, max_examples=100)
def test_pieces_make_no_difference(lua, pattern, data, cuts):
    data += pattern
    ours = Ours(lua, pattern, False)
    try:
        got, begin = b"", 0
        for end in [*sorted(cut for cut in cuts if cut < len(data)), len(data)]:
            ours.feed(data[begin:end])
            found, error, partial = ours.read(0)
            got += partial if found is None else found
            begin = end
            if error is None:
                break
        assert got == data[: data.index(pattern)]
    finally:
        ours.close()


def test_what_cannot_begin_the_pattern_is_not_kept_for_a_large_chunk(lua):
    ours = Ours(lua, b"pattern", False)
    try:
        lua[b"most_held"]()
        ours.feed(bytes(100_000))
        assert ours.read(1 << 20) == (None, b"timeout", bytes(100_000))
        assert lua[b"most_held"]() <= 16384
    finally:
        ours.close()
