"""The system calls on files: what FFI does is what the host functions do."""

import os

import pytest
from lua_worker import VARIANTS
from static_vm import static_vm

from resty_py.host import static

NAMES = [
    "a.html",
    "empty.txt",
    "run.sh",
    "dir",
    "dir/",
    "fifo",
    "sock",
    "link.html",
    "none",
    "a.html/x",
    "x" * 300,
    "loop",
    "a.html\0",
]


@pytest.fixture(params=VARIANTS, ids=str)
def calls(request):
    return static_vm(request.param).vm.require("resty_py.static.calls")


def path(root, name):
    return os.path.join(os.fsencode(root), name.encode())


def answer_of(values):
    return values if isinstance(values, tuple) else (values,)


def same(got, wanted):
    # A call of Lua gives no trailing nil that it does not return.
    got, wanted = list(answer_of(got)), list(answer_of(wanted))
    while wanted and wanted[-1] is None:
        wanted.pop()
    while got and got[-1] is None:
        got.pop()
    return got == wanted


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("most", [None, 10])
def test_what_is_opened(calls, root, name, most):
    whole = path(root, name)
    assert same(calls[b"open"](whole, most), static.open_file(whole, most))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_examined(calls, root, name):
    whole = path(root, name)
    assert same(calls[b"examine"](whole), static.examine(whole))


def test_reading_in_pieces(calls, root):
    kind, size, _, fd = calls[b"open"](path(root, "a.html"), 9)
    assert (kind, size) == (b"file", 10)
    assert not os.get_inheritable(fd)
    assert calls[b"read"](fd, 0, 4) == b"0123"
    assert calls[b"read"](fd, 8, 4) == b"89"
    assert calls[b"read"](fd, 10, 4) == b""
    calls[b"close"](fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
