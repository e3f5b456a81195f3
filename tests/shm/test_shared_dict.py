"""SharedDict: a dictionary of ngx.shared, from Python."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
import threading

import pytest
import trio
from lua_worker import Variant, each_variant, open_rig

import resty_py
from resty_py import SharedDict, shared_dict
from resty_py.shared_dict import Entry
from resty_py.shm.entries import Entries
from resty_py.shm.layout import COUNT


@pytest.fixture
def shared():
    shared = SharedDict("1m", clock=lambda: 1000.0)
    yield shared
    assert shared.check() == []


#: Three forks count at once; a process of its own, since this one has threads.
FORKS = """
import os
import resty_py

shared = resty_py.SharedDict("1m")
pids = []
for _ in range(3):
    pid = os.fork()
    if not pid:
        for _ in range(2000):
            shared.incr("n", init=0)
        os._exit(0)
    pids.append(pid)
assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
assert shared["n"] == 6000
"""


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class TestValues:
    @pytest.mark.parametrize(
        "value", [b"", b"a\0b", 0, 7, -1.5, 2**53, True, False, b"x" * 100_000]
    )
    def test_what_goes_in_comes_out(self, shared, value):
        shared["key"] = value
        assert shared["key"] == value
        assert type(shared["key"]) is type(value)

    def test_text_is_utf8(self, shared):
        shared["ключ"] = "grün"
        assert shared["ключ".encode()] == "grün".encode()

    @pytest.mark.parametrize("value", [None, [1], {}, object()])
    def test_other_values(self, shared, value):
        with pytest.raises(TypeError, match="bad value type"):
            shared["key"] = value

    def test_keys(self, shared):
        for key in ("", "k" * 65536):
            with pytest.raises(ValueError, match="key"):
                shared.get(key)
        shared["k" * 65535] = 1
        assert shared["k" * 65535] == 1

    def test_as_a_mapping(self, shared):
        shared["a"], shared["b"] = 1, 2
        assert (len(shared), list(shared), "a" in shared) == (2, [b"a", b"b"], True)
        del shared["a"]
        assert ("a" in shared, shared.get("a"), shared.get("a", 5)) == (False, None, 5)
        with pytest.raises(KeyError):
            shared["a"]

    def test_add_and_replace(self, shared):
        assert [shared.add("k", 1), shared.add("k", 2), shared["k"]] == [True, False, 1]
        assert shared.replace("k", 3)
        assert not shared.replace("other", 3)
        assert shared["k"] == 3

    def test_flags(self, shared):
        shared.set("k", 1, flags=-5)
        assert shared.entry("k") == Entry(1, -5, None)
        with pytest.raises(ValueError, match="32 bits"):
            shared.set("k", 1, flags=2**31)

    @pytest.mark.parametrize("flags", [1.5, 5.0, "5", None])
    def test_flags_that_are_no_int(self, shared, flags):
        with pytest.raises(TypeError, match="integer"):
            shared.set("k", 1, flags=flags)

    def test_incr(self, shared):
        assert [shared.incr("n", init=5), shared.incr("n", 1.5)] == [6, 7.5]
        with pytest.raises(KeyError):
            shared.incr("other")
        shared["text"] = "1"
        with pytest.raises(TypeError, match="not a number"):
            shared.incr("text")

    def test_lists(self, shared):
        assert shared.push("l", "a") == 1
        assert shared.push("l", 2, left=True) == 2
        assert shared["l"] == [2, b"a"]
        assert [shared.pop("l"), shared.pop("l"), shared.pop("l")] == [b"a", 2, None]
        shared["s"] = 1
        for call in (shared.pop, lambda key: shared.push(key, 1)):
            with pytest.raises(TypeError, match="value not a list"):
                call("s")

    def test_no_memory(self):
        shared = SharedDict(16384)
        with pytest.raises(MemoryError):
            shared["k"] = b"x" * 20000
        for number in range(200):
            shared[f"k{number}"] = number
        assert 10 < len(shared) < 100
        with pytest.raises(MemoryError):
            shared.set("more", 1, evict=False)
        with pytest.raises(MemoryError):
            shared.push("list", 1)

    @pytest.mark.parametrize("size", ["8191", 0, -5, "1x", "1g", "", "-5m"])
    def test_sizes(self, size):
        with pytest.raises(ValueError, match=f"{size}.*(is no size|less than 8192)"):
            SharedDict(size)

    @pytest.mark.parametrize("size", [8192.5, None, b"1m"])
    def test_no_sizes(self, size):
        with pytest.raises(TypeError, match="integer"):
            SharedDict(size)

    @pytest.mark.parametrize("size", [2**34, "17000m", 2**63])
    def test_more_than_refs_reach(self, size):
        with pytest.raises(OSError, match="Cannot allocate memory: 'mmap"):
            SharedDict(size)

    @pytest.mark.parametrize("value", [None, True, [1], 10**400], ids=type)
    def test_no_value_of_a_list(self, shared, value, caplog):
        shared.push("list", 1)
        with pytest.raises((TypeError, OverflowError)):
            shared.push("list", value)
        assert shared["list"] == [1]
        assert caplog.text == ""  # no operation was broken off

    @pytest.mark.parametrize("number", [None, "1", 10**400], ids=type)
    def test_no_number_to_add(self, shared, number, caplog):
        shared["n"] = 1
        with pytest.raises((TypeError, OverflowError)):
            shared.incr("n", number)
        assert shared["n"] == 1
        assert caplog.text == ""


class TestTimes:
    def test_expiry(self):
        clock = Clock()
        shared = SharedDict("64k", clock=clock)
        shared.set("k", 1, ttl=2.5)
        assert (shared.ttl("k"), shared.ttl("other")) == (2.5, None)
        clock.now += 2
        assert shared.expire("k", 1)
        assert not shared.expire("other", 1)
        clock.now += 1.5
        assert shared.get("k") is None
        assert shared.entry("k", stale=True) == Entry(1, 0, 1003.0)
        assert shared.flush_expired() == 1
        assert shared.entry("k", stale=True) is None

    def test_clear(self, shared):
        free = shared.free_space
        for number in range(500):
            shared[f"k{number}"] = b"x" * number
        shared.push("list", 1)
        shared.clear()
        assert (len(shared), shared.free_space, shared.capacity) == (0, free, 1 << 20)


class TestDumps:
    def test_all_comes_back(self, shared):
        shared.set("text\xff", b"a\0\xff", ttl=60, flags=3)
        shared["number"], shared["float"], shared["flag"] = 5, 0.1, True
        shared["inf"] = float("inf")
        shared.push("list", b"\xfe")
        shared.push("list", 2)
        shared.expire("list", 9)
        other = SharedDict("64k", clock=lambda: 1001.0)
        other["kept"] = 1
        other["list"] = 1
        other.restore(shared.dump())
        assert other.items()[1:] == shared.items()
        assert dict(other.items()) == {**dict(shared.items()), b"kept": Entry(1)}

    def test_what_has_expired_does_not(self, shared):
        shared.set("k", 1, ttl=5)
        other = SharedDict("64k", clock=lambda: 1006.0)
        other.restore(shared.dump())
        assert len(other) == 0

    def test_nor_what_expires_at_that_moment(self):
        clock = Clock()
        shared = SharedDict("64k", clock=clock)
        clock.now = 1700000000.0
        shared.set("k", 1, ttl=0.021)
        dumped = shared.dump()
        clock.now += 0.0201  # of which less than a whole millisecond is left
        other = SharedDict("64k", clock=clock)
        other.restore(dumped)
        assert other.ttl("k") == 0.001
        clock.now += 0.0009
        other.clear()
        other.restore(dumped)
        assert len(other) == 0

    def test_for_ever(self, shared):
        shared.set("k", 1, ttl=math.inf)
        shared.set("k2", 1, ttl=1e306)
        assert shared.entry("k") == shared.entry("k2") == Entry(1)
        with pytest.raises(ValueError, match="not negative"):
            shared.set("k", 1, ttl=math.nan)
        shared.restore(shared.dump())
        assert shared.entry("k") == Entry(1)

    @pytest.mark.parametrize("dumped", [b"", b"{}", b"[]\n", b"x"])
    def test_no_dump(self, shared, dumped):
        with pytest.raises(ValueError):  # noqa: PT011
            shared.restore(dumped)

    @pytest.mark.parametrize(
        "line",
        [
            b"", b"[", b"{}", b"5", b'["k", 1, 0]', b'[5, 1, 0, null]',
            b'["", 1, 0, null]', b'["\\u0416", 1, 0, null]', b'["k", null, 0, null]',
            b'["k", {}, 0, null]', b'["k", "\\u0416", 0, null]',
            b'["k", [[]], 0, null]', b'["k", [true], 0, null]', b'["k", 1, 0.5, null]',
            b'["k", 1, 0, "x"]', b'["k", 1, 0, NaN]', b'["k", 1, 0, Infinity]',
            b'["k", "half of a li', b'["k", 1' + b"0" * 400 + b", 0, null]",
            b"[" * 100_000,
        ],
        ids=lambda line: str(line[:20]),
    )  # fmt: skip
    def test_a_line_that_is_none(self, shared, line):
        first, _, _ = self.dumped(b"v").rpartition(b"[")
        assert shared.restore(first) is None
        shared["k"] = 7
        with pytest.raises(ValueError, match="no line of a dump"):
            shared.restore(self.dumped(b"v") + line + b"\n")
        assert dict(shared.items()) == {b"k": Entry(7)}

    def dumped(self, value):
        shared = SharedDict("64k")
        shared["other"] = value
        return shared.dump()


class TestWorkers:
    @each_variant
    async def test_lua_sees_it(self, tmp_path, variant):
        shared = SharedDict("1m")
        shared.set("greeting", "hello", flags=7)
        async with open_rig(
            variant, tmp_path, shared_dicts={"cache": shared, "own": "64k"}
        ) as rig:
            get = 'return ngx.shared.cache:get("greeting")'
            assert await rig.run(get) == (b"hello", 7)
            assert await rig.run('return ngx.shared.cache:set("k", 5)')
            assert shared["k"] == 5
            own = rig.worker.shared_dicts["own"]
            assert await rig.run('return ngx.shared.own:rpush("l", "x")') == 1
            assert own["l"] == [b"x"]
        assert shared["k"] == 5

    async def test_two_workers_share_it(self, tmp_path):
        shared = SharedDict("1m")
        options = {"shared_dicts": {"cache": shared}, "error_log": tmp_path / "log"}
        async with (
            resty_py.open_worker(flavour="luajit21", **options) as one,
            resty_py.open_worker(flavour="lua54", **options) as other,
        ):
            count = 'for _ = 1, 500 do ngx.shared.cache:incr("n", 1, 0) end'
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.run, count)
                nursery.start_soon(other.run, count)
        assert shared["n"] == 1000

    @each_variant
    async def test_on_a_virtual_clock(self, tmp_path, variant, autojump_clock):
        async with open_rig(variant, tmp_path, shared_dicts={"cache": "64k"}) as rig:
            await rig.run('ngx.shared.cache:set("k", 1, 86400)')
            cache = rig.worker.shared_dicts["cache"]
            await rig.run("ngx.sleep(86399)")
            assert cache["k"] == 1
            assert await rig.run('return ngx.shared.cache:get("k")') == 1
            await rig.run("ngx.sleep(2)")
            assert "k" not in cache
            assert await rig.run('return ngx.shared.cache:get("k")') is None

    @each_variant
    async def test_whole_numbers_read_alike(self, tmp_path, variant):
        shared = {"cache": "64k"}
        async with open_rig(variant, tmp_path, shared_dicts=shared) as rig:
            text = await rig.run("""
                local d = ngx.shared.cache
                local text = "user" .. d:incr("id", 1, 0) .. " " .. d:incr("id", 1)
                d:set("n", -70000)
                d:rpush("l", 3)
                d:set("half", 2.5)
                return text .. " " .. d:get("n") .. " " .. d:get_stale("n") .. " "
                    .. d:lpop("l") .. " " .. d:incr("half", 0)
            """)
            assert text == b"user1 2 -70000 -70000 3 2.5"
            for power in ("2^53", "2^63", "-2^63", "1e300", "1/0", "-1/0"):
                assert await rig.run(f"""
                    ngx.shared.cache:set("n", {power})
                    return ngx.shared.cache:get("n") == {power}
                """)

    async def test_a_large_value_leaves_no_memory_behind(self, tmp_path):
        shared = {"cache": "20m"}
        async with open_rig(Variant("luajit21"), tmp_path, shared_dicts=shared) as rig:
            kept = await rig.run("""
                local d = ngx.shared.cache
                d:set("k", ("x"):rep(8e6))
                d:rpush("l", d:get("k"))
                assert(#d:get("k") == 8e6 and #d:lpop("l") == 8e6)
                collectgarbage() collectgarbage()
                return collectgarbage("count")
            """)
            assert kept < 6000
            assert await rig.run('return #ngx.shared.cache:get("k")') == 8e6

    @each_variant
    async def test_just_the_declared_ones(self, tmp_path, variant):
        async with open_rig(variant, tmp_path) as rig:
            assert await rig.run("return next(ngx.shared), ngx.shared.cache") == (
                None,
                None,
            )

    @pytest.mark.parametrize("declared", [{"": "1m"}, {"a": "1k"}, {"a": "x"}])
    async def test_bad_declarations(self, declared):
        with pytest.raises(ValueError, match="invalid lua shared dict"):
            async with resty_py.open_worker(shared_dicts=declared):
                pass


class TestConcurrency:
    def test_threads(self, shared):
        def count():
            for _ in range(3000):
                shared.incr("n", init=0)

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert shared["n"] == 12000

    def test_forks(self):
        command = [sys.executable, "-c", FORKS]
        assert subprocess.run(command, timeout=60, check=True).returncode == 0

    def test_others_go_on_while_all_is_read(self, shared, monkeypatch):
        shared["a"], shared["b"] = 1, b"x" * 5000
        shared.push("c", 2)
        read = shared_dict._entry

        def changes_all(entries, ref):
            shared.clear()
            shared["d"] = b"y" * 9000
            return read(entries, ref)

        monkeypatch.setattr(shared_dict, "_entry", changes_all)
        assert shared.items() == [
            (b"a", Entry(1)), (b"b", Entry(b"x" * 5000)), (b"c", Entry([2]))
        ]  # fmt: skip
        assert list(shared) == [b"d"]

    def test_others_go_on_while_keys_are_read(self, shared, monkeypatch):
        shared["a"], shared["b"] = 1, 2
        read = Entries.key

        def changes_all(entries, ref):
            shared.incr("n", init=0)
            shared.delete("b")
            return read(entries, ref)

        monkeypatch.setattr(Entries, "key", changes_all)
        assert shared.keys() == [b"a", b"b"]
        assert shared["n"] == 2

    def test_not_from_within(self, shared):
        with shared.zone.lock:
            with pytest.raises(RuntimeError, match="in use by this thread"):
                shared.get("k")

    def test_a_defect_is_repaired(self, shared):
        shared["k"] = 5
        with contextlib.suppress(ZeroDivisionError), shared.zone.lock:
            shared.zone.memory.words[COUNT] = 99
            raise ZeroDivisionError
        assert shared["k"] == 5
        assert shared.zone.repairs == 1

    async def test_lua_that_was_broken_off(self, tmp_path):
        """An error in the middle of an operation: the next one repairs."""
        shared = SharedDict("1m")
        async with resty_py.open_worker(
            flavour="luajit21",
            shared_dicts={"cache": shared},
            error_log=tmp_path / "log",
        ) as worker:
            await worker.run("""
                jit.off()
                local d, count = ngx.shared.cache, 0
                d:set("kept", "value")
                for at = 1, 400 do
                    pcall(function()
                        debug.sethook(function()
                            debug.sethook()
                            error("broken off")
                        end, "", at)
                        d:set("key", at)
                        debug.sethook()
                    end)
                    debug.sethook()
                    assert(d:get("kept") == "value")
                end
                jit.on()
            """)
        assert shared.zone.repairs > 0
        assert shared.check() == []
