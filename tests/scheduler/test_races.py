"""Exactly-once wake-ups: events, deadlines and kills race for light threads.

Each example is a plan: threads that wait for semaphores, sockets, sleeps and
other threads, with posts, data and kills that fall together. On a virtual clock
all of one instant is one batch, which is where a thread could be woken twice,
for the wrong reason, or not at all.
"""

from __future__ import annotations

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from lua_worker import each_variant, open_rig
from peers import open_peers
from trio.testing import MockClock

PROGRAM = """
local plan, port = ...
local semaphore = require "ngx.semaphore"
local sems = {semaphore.new(), semaphore.new()}
local log, threads, socks = {}, {}, {}

-- ngx.now() cuts milliseconds off, of which a float may be a bit less than whole.
local clock = require "resty_py.clock"
local begin = clock.mono

local function elapsed()
    return math.floor((clock.mono - begin) * 1000 + 0.5)
end

local function note(i, what)
    log[#log + 1] = {i, what, elapsed()}
end

local waits = {
    sem = function(step)
        return sems[step.which]:wait(step.ms / 1000) and "event" or "deadline"
    end,
    sleep = function(step)
        ngx.sleep(step.ms / 1000)
        return "deadline"
    end,
    thread = function(step)
        local inner = ngx.thread.spawn(function() ngx.sleep(step.ms / 1000) end)
        ngx.thread.wait(inner)
        return "deadline"
    end,
    sock = function(step, i)
        socks[i]:settimeout(step.ms)
        return socks[i]:receive(1) and "event" or "deadline"
    end,
}

for i, step in ipairs(plan.waiters) do
    socks[i] = ngx.socket.tcp()
    assert(socks[i]:connect("127.0.0.1", port))
end
begin = clock.mono
for i, step in ipairs(plan.waiters) do
    threads[i] = ngx.thread.spawn(function()
        note(i, waits[step.kind](step, i))
        ngx.sleep(0.001)
        note(i, "end")
    end)
end
for _, action in ipairs(plan.actions) do
    ngx.timer.at(action.ms / 1000, function() sems[action.which]:post() end)
end
for _, action in ipairs(plan.actions) do
    local i = (action.which - 1) % #socks + 1
    ngx.thread.spawn(function()
        ngx.sleep(action.ms / 1000)
        socks[i]:send("say x\\n")
    end)
end
local killed = {}
for _, kill in ipairs(plan.kills) do
    local now = elapsed()
    if kill.ms > now then ngx.sleep((kill.ms - now) / 1000) end
    if ngx.thread.kill(threads[kill.victim]) then
        killed[#killed + 1] = kill.victim
        note(kill.victim, "killed")
    end
end
ngx.sleep(1)
return log, killed, sems[1]:count(), sems[2]:count()
"""

WAITERS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["sem", "sem", "sock", "sleep", "thread"]),
            "which": st.integers(1, 2),
            "ms": st.integers(1, 5),
        }
    ),
    min_size=1,
    max_size=6,
)
ACTIONS = st.lists(
    st.fixed_dictionaries({"ms": st.integers(0, 5), "which": st.integers(1, 2)}),
    max_size=6,
)


@st.composite
def plans(draw):
    waiters = draw(WAITERS)
    victims = st.integers(1, len(waiters))
    kill = st.fixed_dictionaries({"ms": st.integers(0, 5), "victim": victims})
    kills = sorted(draw(st.lists(kill, max_size=4)), key=lambda kill: kill["ms"])
    return {"waiters": waiters, "actions": draw(ACTIONS), "kills": kills}


def check(plan, log, killed, counts):
    """Check what must hold whatever wins a race."""
    granted = {1: 0, 2: 0}
    for i, step in enumerate(plan["waiters"], 1):
        whats = [(what.decode(), at) for j, what, at in log if j == i]
        names = [what for what, _ in whats]
        assert len(names) == len(set(names)), "woken twice"
        if i in killed:
            assert names[-1] == "killed", "ran after it was killed"
        else:
            assert names[-1] == "end", "never woken"
        at = dict(whats)
        if "deadline" in at:
            assert at["deadline"] == step["ms"], "woken early or late"
        if "event" in at:
            assert at["event"] <= step["ms"], "woken by an event after its deadline"
            granted[step["which"]] += step["kind"] == "sem"
        if "end" in at:
            woken = at.get("deadline", at.get("event"))
            assert at["end"] == woken + 1, "the next wait was cut short"
    for which, count in enumerate(counts, 1):
        posted = sum(action["which"] == which for action in plan["actions"])
        assert count == posted - granted[which], "a resource was lost or made up"


async def run(plan, variant, folder):
    async with open_peers() as places, open_rig(variant, folder) as rig:
        log, killed, *counts = await rig.run(PROGRAM, plan, places["puppet"])
        check(plan, log or [], killed or [], counts)
        for line in rig.errors():
            assert "timed out" in line or "on a closed socket" in line
        await rig.run("ngx.sleep(1)")
        stats = rig.worker.stats()
        assert (stats["threads"], stats["deadlines"]) == (0, 0)


@each_variant
def test_races(variant, tmp_path):
    @given(plan=plans())
    @settings(max_examples=40, deadline=None)
    def example(plan):
        trio.run(run, plan, variant, tmp_path, clock=MockClock(autojump_threshold=0))

    example()
