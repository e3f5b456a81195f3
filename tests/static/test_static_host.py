"""The host functions of static files."""

import errno
import os

import pytest

from resty_py.host import static


def path(root, name):
    return os.path.join(os.fsencode(root), name.encode())


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True)
def _no_descriptor_is_left():
    before = descriptors()
    yield
    assert descriptors() == before


def test_a_small_file_is_read_at_once(root):
    answer = static.open_file(path(root, "a.html"), 10)
    assert answer == (b"file", 10, 1700000000, b"0123456789")


def test_an_empty_file_is_all_there(root):
    assert static.open_file(path(root, "empty.txt"), 0)[3] == b""


def test_of_a_larger_file_there_is_a_descriptor(root):
    kind, size, _, fd = static.open_file(path(root, "a.html"), 9)
    try:
        assert (kind, size) == (b"file", 10)
        assert not os.get_inheritable(fd)
        assert static.read(fd, 0, 4) == b"0123"
        assert static.read(fd, 8, 4) == b"89"
        assert static.read(fd, 10, 4) == b""
    finally:
        static.close(fd)


def test_nothing_is_read_that_is_not_wanted(root):
    assert static.open_file(path(root, "a.html"))[3] is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [("dir", b"directory"), ("fifo", b"other"), ("link.html", b"file")],
)
def test_kinds(root, name, kind):
    assert static.open_file(path(root, name))[0] == kind
    assert static.examine(path(root, name)) == (kind, kind == b"directory")


def test_who_may_run_a_file(root):
    assert static.examine(path(root, "run.sh")) == (b"file", True)
    assert static.examine(path(root, "a.html")) == (b"file", False)


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("none", errno.ENOENT, b"No such file or directory"),
        ("a.html/x", errno.ENOTDIR, b"Not a directory"),
        ("x" * 300, errno.ENAMETOOLONG, b"File name too long"),
        ("loop", errno.ELOOP, b"Too many levels of symbolic links"),
        ("a.html\0", errno.ENOENT, b"No such file or directory"),
        ("\0", errno.ENOENT, b"No such file or directory"),
    ],
)
def test_failures_are_told_with_the_call(root, name, code, text):
    failure = (None, text, code)
    assert static.open_file(path(root, name), 10) == (*failure, b"open()")
    assert static.examine(path(root, name)) == (*failure, b"stat()")


def test_a_socket_cannot_be_opened(root):
    assert static.open_file(path(root, "sock"))[2:] == (errno.ENXIO, b"open()")
    assert static.examine(path(root, "sock"))[0] == b"other"


def test_a_file_that_cannot_be_read(monkeypatch, root):
    def fail(*_args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(static.os, "read", fail)
    answer = static.open_file(path(root, "a.html"), 10)
    assert answer == (None, b"Input/output error", errno.EIO, b"read()")


def test_realpath(root):
    real = os.fsencode(os.path.realpath(root))
    assert static.realpath(path(root, "linkdir")) == real + b"/dir"
    assert static.realpath(path(root, "none")) == (
        None, b"No such file or directory", errno.ENOENT, b"realpath()"
    )  # fmt: skip
    assert static.realpath(b"\0")[2] == errno.ENOENT


# disable_symlinks -----------------------------------------------------------


def opened(root, name, policy=b"on", trusted=0):
    whole = path(root, name)
    answer = static.open_file(whole, None, policy, trusted)
    assert static.examine(whole, policy, trusted)[0] == answer[0]
    return answer


@pytest.mark.parametrize("policy", [b"on", b"if_not_owner"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.html", b"file"),
        ("dir/index.html", b"file"),
        ("dir//index.html", b"file"),
        ("dir", b"directory"),
        ("dir/", b"directory"),
        ("", b"directory"),
    ],
)
def test_what_is_no_link_is_opened(root, name, kind, policy):
    assert opened(root, name, policy)[0] == kind


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("link.html", errno.ELOOP),
        ("linkdir", errno.ELOOP),
        ("loop", errno.ELOOP),
        ("linkdir/index.html", errno.ENOTDIR),
        ("a.html/x", errno.ENOTDIR),
        ("none/x", errno.ENOENT),
        ("none", errno.ENOENT),
        ("nul\0", errno.ENOENT),
    ],
)
def test_a_link_is_not_followed(root, name, code):
    assert opened(root, name)[2:] == (code, b"openat()")


def test_links_of_their_owner_are_followed(root):
    assert opened(root, "link.html", b"if_not_owner")[0] == b"file"
    assert opened(root, "linkdir/index.html", b"if_not_owner")[0] == b"file"


def test_links_of_somebody_else_are_not_followed(root, monkeypatch):
    real_stat = os.stat

    def stat(name, **options):
        found = real_stat(name, **options)
        if options.get("follow_symlinks", True):
            return found
        return os.stat_result((*found[:4], found.st_uid + 1, *found[5:]))

    monkeypatch.setattr(static.os, "stat", stat)
    failure = static.open_file(path(root, "link.html"), None, b"if_not_owner")
    assert failure[2:] == (errno.ELOOP, b"openat()")


def test_links_in_the_trusted_part_are_followed(root):
    whole = path(root, "linkdir/index.html")
    trusted = len(path(root, "linkdir"))
    assert static.open_file(whole, None, b"on", trusted)[0] == b"file"
    untrusted = static.open_file(whole, None, b"on", len(os.fsencode(root)))
    assert untrusted[2:] == (errno.ENOTDIR, b"openat()")


def test_a_trusted_part_that_is_missing(root):
    trusted = len(path(root, "none"))
    failure = static.open_file(path(root, "none/a.html"), None, b"on", trusted)
    assert failure[2:] == (errno.ENOENT, b"open()")


def test_a_relative_path(root, monkeypatch):
    monkeypatch.chdir(root)
    assert static.open_file(b"a.html", None, b"on")[0] == b"file"
    assert static.open_file(b"link.html", None, b"on")[2] == errno.ELOOP
    assert static.open_file(b"/", None, b"on")[0] == b"directory"


def test_functions_are_what_lua_calls():
    assert set(static.functions()) == {"open", "read", "close", "examine", "realpath"}
