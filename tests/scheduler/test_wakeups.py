"""Exactly-once wake-ups: events, deadlines and kills race for light threads.

Each example is a program: waiters on semaphores, sleeps, sockets of a pipe and
other threads, with posts, deadlines and kills that fall together. On a virtual
clock everything of one instant is one batch, which is where a thread could be
woken twice or not at all.
"""

from __future__ import annotations

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from lua_worker import each_variant, open_rig
from trio.testing import MockClock

PROGRAM = """
local plan = ...
local semaphore = require "ngx.semaphore"
local sems = {semaphore.new(), semaphore.new()}
local log, threads = {}, {}
local clock = ngx.now()

local function note(i, what)
    ngx.update_time()
    log[#log + 1] = {i, what, math.floor((ngx.now() - clock) * 1000 + 0.5)}
end

local function waiter(i, step)
    return function()
        note(i, "begin")
        if step.kind == "sem" then
            local ok = sems[step.which]:wait(step.ms / 1000)
            note(i, ok and "granted" or "timeout")
        elseif step.kind == "sleep" then
            ngx.sleep(step.ms / 1000)
            note(i, "slept")
        else
            local inner = ngx.thread.spawn(function() ngx.sleep(step.ms / 1000) end)
            ngx.thread.wait(inner)
            note(i, "waited")
        end
        ngx.sleep(0.001)
        note(i, "end")
    end
end

for i, step in ipairs(plan.waiters) do
    threads[i] = ngx.thread.spawn(waiter(i, step))
end
local killed = {}
for _, action in ipairs(plan.actions) do
    ngx.thread.spawn(function()
        ngx.sleep(action.ms / 1000)
        if action.post then sems[action.which]:post(action.post) end
    end)
end
for _, kill in ipairs(plan.kills) do
    local now = (ngx.now() - clock) * 1000
    if kill.ms > now then ngx.sleep((kill.ms - now) / 1000) end
    local ok = ngx.thread.kill(threads[kill.victim])
    if ok then
        killed[#killed + 1] = kill.victim
        note(kill.victim, "killed")
    end
end
ngx.sleep(1)
return log, killed, sems[1]:count(), sems[2]:count()
"""

MS = st.integers(0, 6)
WAITERS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["sem", "sleep", "thread"]),
            "which": st.integers(1, 2),
            "ms": st.integers(1, 6),
        }
    ),
    min_size=1,
    max_size=6,
)
ACTIONS = st.lists(
    st.fixed_dictionaries({"ms": MS, "which": st.integers(1, 2), "post": MS.map(bool)}),
    max_size=6,
).map(lambda actions: [{**a, "post": 1} for a in actions if a["post"]])


@st.composite
def plans(draw):
    waiters = draw(WAITERS)
    victims = st.integers(1, len(waiters))
    kill = st.fixed_dictionaries({"ms": MS, "victim": victims})
    kills = sorted(draw(st.lists(kill, max_size=4)), key=lambda kill: kill["ms"])
    return {"waiters": waiters, "actions": draw(ACTIONS), "kills": kills}


def check(plan, log, killed, counts):
    """Check what must hold whatever wins a race."""
    granted = [0, 0]
    for i, step in enumerate(plan["waiters"], 1):
        whats = [(what.decode(), at) for j, what, at in log if j == i]
        names = [what for what, _ in whats]
        assert names[0] == "begin"
        assert len(names) == len(set(names)), "woken twice"
        if i in killed:
            assert names[-1] == "killed", "ran after it was killed"
        else:
            assert names[-1] == "end", "never woken"
        at = dict(whats)
        if "slept" in at or "waited" in at or "timeout" in at:
            woken = next(at[n] for n in ("slept", "waited", "timeout") if n in at)
            assert woken == step["ms"], "woken early or late"
        if "granted" in at:
            assert at["granted"] <= step["ms"]
            granted[step["which"] - 1] += 1
    for which in (1, 2):
        posted = sum(a["post"] for a in plan["actions"] if a["which"] == which)
        assert counts[which - 1] == posted - granted[which - 1], "lost or made up"


async def run(plan, variant, folder):
    async with open_rig(variant, folder) as rig:
        log, killed, *counts = await rig.run(PROGRAM, plan)
        check(plan, log, killed or [], counts)
        assert rig.errors() == []
        assert rig.worker.stats()["threads"] == 0
        assert rig.worker.stats()["deadlines"] == 0


@each_variant
def test_races(variant, tmp_path):
    @given(plan=plans())
    @settings(max_examples=40, deadline=None)
    def example(plan):
        trio.run(run, plan, variant, tmp_path, clock=MockClock(autojump_threshold=0))

    example()
