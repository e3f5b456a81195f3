"""The table of a master's processes, and the role that each has in it."""

import os

import pytest

from resty_py.server.privileges import _cpus
from resty_py.server.role import MASTER, WORKER, Role
from resty_py.server.scoreboard import (
    ACTIVE,
    BEAT,
    ENDED,
    PID,
    ROW,
    ROWS,
    SERIAL,
    Scoreboard,
)


@pytest.fixture
def board():
    return Scoreboard()


def seat(board, number, generation=1):
    """Return the role of a worker that accepts."""
    row = board.take()
    role = Role(MASTER, None, board=board, generation=generation)
    role.become(WORKER, number, row)
    role.accept()
    return role


class TestRows:
    def test_each_is_taken_once(self, board):
        rows = []
        for _ in range(3):
            rows.append(board.take())
            board.words[rows[-1] * ROW + PID] = 7
        assert len(set(rows)) == 3

    def test_one_that_is_given_back(self, board):
        seat(board, 0)
        second = seat(board, 1)
        board.release(second.row)
        assert board.take() == second.row
        assert board.words[second.row * ROW + PID] == 0

    def test_processes_of_a_row_are_told_apart(self, board):
        role = seat(board, 0)
        first = board.words[role.row * ROW + SERIAL]
        board.release(role.row)
        assert board.words[role.row * ROW + SERIAL] == 0
        assert board.words[ENDED] == 1
        assert board.take() == role.row
        assert first < board.words[role.row * ROW + SERIAL]

    def test_when_there_is_none(self, board):
        for row in range(1, ROWS):
            board.words[row * ROW + PID] = 1
        assert board.take() is None

    def test_a_fork_sees_what_is_written(self, board):
        row = board.take()
        pid = os.fork()
        if not pid:
            board.words[row * ROW + ACTIVE] = 41
            os._exit(0)
        os.waitpid(pid, 0)
        assert board.words[row * ROW + ACTIVE] == 41


class TestBeat:
    def test_odd_in_lua(self, board):
        row = board.take()
        assert board.counted(row, lambda: board.beat(row))() == 1
        assert board.beat(row) == 2

    def test_it_begins_again(self, board):
        row = board.take()
        board.words[row * ROW + 1] = 0x7FFFFFFF
        assert board.counted(row, lambda: board.beat(row))() == 0


class TestRole:
    def behind(self, role, active, margin=1):
        role.functions()["publish"](active)
        return role.functions()["behind"](active, margin)

    def test_who_has_fewer_clients(self, board):
        first, second = seat(board, 0), seat(board, 1)
        second.functions()["publish"](3)
        board.words[second.row * ROW + BEAT] = 1
        assert self.behind(first, 5) == (1, False)
        assert self.behind(first, 4) is None

    def test_only_of_one_configuration(self, board):
        first = seat(board, 0)
        seat(board, 0, generation=2)
        seat(board, 1).retire()
        assert self.behind(first, 9, margin=9) is None
        assert board.count_accepting(1) == 1

    def test_pids(self, board):
        seat(board, 0)
        assert seat(board, 1).functions()["pids"]() == (os.getpid(), os.getpid())

    def test_how_busy_the_others_are(self, board):
        first, second = seat(board, 0), seat(board, 1)
        first.functions()["tell"](1, 2, 3.0, 2.0**40)
        second.functions()["tell"](10, 20, 30.0, 40.0)
        assert first.functions()["others"]() == (10, 20, 30, 40)
        assert second.functions()["others"]() == (1, 2, 3, 2**40)

    def test_totals_of_those_that_have_ended(self, board):
        first, second = seat(board, 0), seat(board, 1)
        for _ in range(2):
            second.functions()["tell"](10, 20, 30.0, 40.0)
            board.release(second.row)
        assert first.functions()["others"]() == (0, 0, 60, 80)

    def test_alone(self):
        functions = Role().functions()
        assert functions["pids"]() == (os.getpid(),)
        assert functions["place"]() is None


@pytest.mark.parametrize(
    ("masks", "number", "cpus"),
    [
        (None, 0, set()),
        (("01", "10"), 0, {0}),
        (("01", "10"), 1, {1}),
        (("01", "10"), 5, {1}),
        (("0101",), 0, {0, 2}),
        (("auto", "1010"), 0, {1}),
        (("auto", "1010"), 3, {3}),
        (("auto", "0000"), 0, set()),
    ],
)
def test_cpus(masks, number, cpus):
    assert _cpus(masks, number) == cpus
