"""The loop that drives workers with Trio as its guest."""

from __future__ import annotations

import math
import os
import threading

import pytest
import trio
import trio.lowlevel

from resty_py.server.loop import MORE, OVER, Loop


class Work:
    """A worker's steps: what each answers, and a descriptor that wakes it."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.taken = 0
        self.fd = os.eventfd(0, os.EFD_NONBLOCK)

    def step(self):
        self.taken += 1
        answer = self.answers.pop(0) if self.answers else math.inf
        return answer() if callable(answer) else answer

    def wake(self):
        os.eventfd_write(self.fd, 1)


@pytest.fixture
def work():
    made = []

    def make(*answers):
        made.append(Work(*answers))
        return made[-1]

    yield make
    for one in made:
        os.close(one.fd)


def run(function, *args):
    return Loop().run(function, *args)


async def has_taken(one, count):
    """Wait until a worker has taken so many steps."""
    with trio.fail_after(10):
        while one.taken < count:  # noqa: ASYNC110
            await trio.sleep(0.001)


def drive(*works):
    """Run workers until all are over."""

    async def main():
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                for one in works:
                    nursery.start_soon(Loop.current.drive, one.step, one.fd)

    run(main)


def test_the_function_of_the_guest_has_a_result():
    async def main(number):
        await trio.lowlevel.checkpoint()
        return number + 1

    assert run(main, 1) == 2
    assert Loop.current is None


def test_the_function_of_the_guest_fails():
    async def main():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run(main)
    assert Loop.current is None


def test_steps_are_taken_until_one_says_that_it_is_over(work):
    one = work(MORE, MORE, OVER)
    drive(one)
    assert one.taken == 3


def test_a_step_is_taken_when_it_is_due(work):
    one = work(lambda: trio.current_time() + 0.01, OVER)
    drive(one)
    assert one.taken == 2


@pytest.mark.parametrize("days", [25, 400, 1e9])
def test_a_step_may_be_due_later_than_the_kernel_can_count(work, days):
    one = work(lambda: trio.current_time() + days * 86400, OVER)

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Loop.current.drive, one.step, one.fd)
            await has_taken(one, 1)
            await trio.lowlevel.checkpoint()
            one.wake()

    run(main)
    assert one.taken == 2


def test_a_step_is_taken_when_the_descriptor_is_readable(work):
    one = work(math.inf, OVER)

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Loop.current.drive, one.step, one.fd)
            await has_taken(one, 1)
            one.wake()

    run(main)
    assert one.taken == 2


def test_several_workers_take_turns(work):
    order = []

    def steps(name, count):
        return (*(lambda: order.append(name) or MORE for _ in range(count)), OVER)

    drive(work(*steps("a", 3)), work(*steps("b", 3)))
    assert order[-4:] in (["a", "b"] * 2, ["b", "a"] * 2)
    assert sorted(order) == [*"aaabbb"]


def test_what_a_step_fails_with_is_raised_where_it_is_awaited(work):
    def fail():
        raise KeyError("x")

    one = work(MORE, fail)
    with pytest.raises(ExceptionGroup) as caught:
        drive(one)
    assert caught.group_contains(KeyError)


def test_a_guest_that_runs_all_the_time_keeps_nobody_from_a_step(work):
    one = work(*[MORE] * 50, OVER)

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(spin)
            await Loop.current.drive(one.step, one.fd)
            nursery.cancel_scope.cancel()

    async def spin():
        while True:
            await trio.lowlevel.checkpoint()

    run(main)


def test_a_worker_that_runs_all_the_time_keeps_no_guest_from_a_tick(work):
    ticks = 0

    async def main():
        nonlocal ticks
        while ticks < 50:
            await trio.lowlevel.checkpoint()
            ticks += 1

    async def both():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Loop.current.drive, lambda: MORE, one.fd)
            await main()
            nursery.cancel_scope.cancel()

    one = work()
    run(both)
    assert ticks == 50


def test_a_step_may_call_synchronous_functions_of_trio(work):
    async def main():
        called, told = trio.Event(), trio.Event()

        async def note():
            called.set()

        async with trio.open_nursery() as nursery:
            one = work(lambda: nursery.start_soon(note) or math.inf)
            nursery.start_soon(Loop.current.drive, one.step, one.fd)
            with trio.fail_after(10):
                await called.wait()
                one.answers = [lambda: told.set() or math.inf]
                one.wake()
                await told.wait()
            nursery.cancel_scope.cancel()

    run(main)


def test_what_another_thread_posts_is_heard_at_once(work):
    one = work(math.inf, math.inf)

    async def main():
        event = trio.Event()
        loop = Loop.current
        async with trio.open_nursery() as nursery:
            nursery.start_soon(loop.drive, one.step, one.fd)
            thread = threading.Thread(target=loop.post, args=(event.set,))
            thread.start()
            with trio.fail_after(10):
                await event.wait()
            thread.join()
            nursery.cancel_scope.cancel()

    run(main)


def test_nothing_is_left_of_a_worker_whose_drive_is_cancelled(work):
    one = work(*[MORE] * 10**6)

    async def main():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Loop.current.drive, one.step, one.fd)
            await has_taken(one, 3)
            nursery.cancel_scope.cancel()
        taken = one.taken
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        assert one.taken == taken

    run(main)


def test_it_leaves_no_descriptor():
    async def main():
        await trio.lowlevel.checkpoint()

    run(main)
    before = len(os.listdir("/proc/self/fd"))
    run(main)
    assert len(os.listdir("/proc/self/fd")) == before
