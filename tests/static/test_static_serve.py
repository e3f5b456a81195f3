"""Static files as a content handler, on every flavour."""

import errno
import os

import pytest
from lua_worker import VARIANTS
from static_vm import MTIME, Name, static_vm

from resty_py.host import static

PIECE = 32768
HTML_ETAG = '"6553f100-a"'


@pytest.fixture(params=VARIANTS, ids=str)
def vm(request):
    return static_vm(request.param)


@pytest.fixture(params=[each for each in VARIANTS if each.calls_host], ids=str)
def host_vm(request):
    """A VM whose system calls fail where those of the host functions do."""
    return static_vm(request.param)


@pytest.fixture(autouse=True)
def _no_descriptor_is_left(vm):
    before = descriptors()
    yield
    assert descriptors() == before


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def error(call, file, code):
    return f'error: {call} "{file}" failed ({code}: {os.strerror(code)})'


# A file ---------------------------------------------------------------------


def test_a_file(vm, root):
    answer = vm.ask("/a.html", root)
    assert (answer.code, answer.status, answer.body) == (None, 200, "0123456789")
    assert answer.content_type == "text/html"
    assert answer.content_length == 10
    assert answer.last_modified == MTIME
    assert answer.headers == [f"ETag: {HTML_ETAG}", "Accept-Ranges: bytes"]
    assert (answer.pieces, answer.over) == (1, 1)


def test_an_empty_file(vm, root):
    answer = vm.ask("/empty.txt", root)
    assert (answer.content_length, answer.body, answer.pieces) == (0, "", 0)


def test_without_an_etag(vm, root):
    answer = vm.ask("/a.html", root, etag=False)
    assert answer.headers == ["Accept-Ranges: bytes"]


def test_head_sends_the_headers(vm, root):
    answer = vm.ask("/a.html", root, method="HEAD")
    assert (answer.content_length, answer.body) == (10, "")
    assert answer.values("ETag") == [HTML_ETAG]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "FOO"])
def test_other_methods_are_not_allowed(vm, root, method):
    answer = vm.ask("/a.html", root, method=method)
    assert (answer.code, answer.body, answer.headers) == (405, "", [])


def test_what_the_client_has_is_not_sent(vm, root):
    answer = vm.ask("/a.html", root, headers={"If-None-Match": HTML_ETAG})
    assert (answer.code, answer.status, answer.body) == (None, 304, "")
    assert answer.headers == [f"ETag: {HTML_ETAG}"]


def test_a_refusal_of_the_filters_is_handed_on(vm, root):
    answer = vm.ask("/a.html", root, headers={"If-Match": '"x"'})
    assert (answer.code, answer.body) == (412, "")


def test_a_subrequest_takes_the_whole(vm, root):
    answer = vm.ask("/a.html", root, parent={}, headers={"Range": "bytes=0-0"})
    assert (answer.status, answer.body) == (200, "0123456789")


# Its type -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("/a.html", "text/html"),
        ("/a.b.HTML", "text/html"),
        ("/dir.x/page.gif", "image/gif"),
        ("/noext", "text/plain"),
        ("/dir.html/noext", "text/plain"),
        ("/a.", "text/plain"),
        ("/a.unknown", "text/plain"),
        ("/.html", "text/plain"),
        ("/..html", "text/plain"),
        ("/...html", "text/plain"),
        ("/....html", "text/html"),
        ("/.hidden.html", "text/html"),
        ("a.html", "text/plain"),
        ("ab.html", "text/html"),
        ("html", "text/plain"),
    ],
)
def test_the_type_is_that_of_the_extension(vm, root, uri, kind):
    alias = {"path": [str(root / "a.html")], "alias": True}
    assert vm.ask(uri, alias).content_type == kind


def test_no_default_type(vm, root):
    assert vm.ask("/noext", root, default_type="").content_type == ""


def test_a_type_that_is_set_stays(vm, root):
    answer = vm.ask("/a.html", root, content_type="text/css")
    assert answer.content_type == "text/css"


# What fails -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("/none", errno.ENOENT),
        ("/a.html/x", errno.ENOTDIR),
        ("/" + "x" * 300, errno.ENAMETOOLONG),
    ],
)
def test_not_found(vm, root, uri, code):
    answer = vm.ask(uri, root)
    assert answer.code == 404
    assert answer.log == [error("open()", f"{root}{uri}", code)]
    assert vm.ask(uri, root, log_not_found=False).log == []


def test_no_byte_of_a_file_behind_a_nul(vm, root):
    assert vm.ask("/a.html\0", root).code == 404


def test_forbidden(vm, root):
    answer = vm.ask("/loop", root)
    assert answer.code == 403
    assert answer.log == [error("open()", f"{root}/loop", errno.ELOOP)]


def test_forbidden_by_the_system(host_vm, root, monkeypatch):
    def deny(*_args):
        raise static._CallError(b"open()", errno.EACCES)

    monkeypatch.setattr(static, "_open", deny)
    answer = host_vm.ask("/a.html", root, log_not_found=False)
    assert answer.code == 403
    assert answer.log == [error("open()", f"{root}/a.html", errno.EACCES)]


def test_a_failure_of_the_system(vm, root):
    answer = vm.ask("/sock", root)
    assert answer.code == 500
    assert answer.log == [
        error("open()", f"{root}/sock", errno.ENXIO).replace("error", "crit", 1)
    ]


def test_what_is_no_file(vm, root):
    answer = vm.ask("/fifo", root)
    assert answer.code == 404
    assert answer.log == [f'crit: "{root}/fifo" is not a regular file']


# A directory ----------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_directory_without_a_slash_is_redirected(vm, root, method):
    answer = vm.ask("/dir", root, method=method)
    assert (answer.code, answer.location) == (301, "/dir/")


@pytest.mark.parametrize(
    ("uri", "args", "location"),
    [
        ("/dir", "a=%20b", "/dir/?a=%20b"),
        ("/dir", "", "/dir/"),
        (
            '/ "#%<>?\\^`{|}\x7f\xe9',
            None,
            "/%20%22%23%25%3C%3E%3F%5C%5E%60%7B%7C%7D%7F%E9/",
        ),
        ("/!$&'()*+,-.:;=@AZ[]_az~09", None, "/!$&'()*+,-.:;=@AZ[]_az~09/"),
    ],
)
def test_the_redirect_is_escaped(vm, root, uri, args, location):
    alias = {"path": [f"{root}/dir"], "alias": True}
    assert vm.ask(uri, alias, args=args).location == location


def test_an_index_is_redirected_to(vm, root):
    assert vm.ask("/dir/", root, args="a=1").left == {
        "uri": "/dir/index.html",
        "args": "a=1",
    }
    assert vm.ask("/dir/", root, method="POST").left == {"uri": "/dir/index.html"}


def test_the_first_index_there_is(vm, root):
    index = [["none.html"], [Name("index"), ".html"], ["index.html"]]
    answer = vm.ask("/bare/", root, index=index, variables={"index": "page"})
    assert answer.left == {"uri": "/bare/page.html"}


def test_an_index_may_be_a_directory(vm, root):
    assert vm.ask("/nested/", root).left == {"uri": "/nested/index.html"}


def test_an_absolute_index_is_not_looked_for(vm, root):
    assert vm.ask("/bare/", root, index=[["x"], ["/none"]]).left == {"uri": "/none"}
    answer = vm.ask("/none/", root, index=[[Name("x")]], variables={"x": "/y"})
    assert answer.left == {"uri": "/y"}


def test_no_index(vm, root):
    answer = vm.ask("/bare/", root, log_not_found=False)
    assert answer.code == 403
    assert answer.log == [f'error: directory index of "{root}/bare/" is forbidden']


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_other_methods_have_no_index(vm, root, method):
    answer = vm.ask("/dir/", root, method=method)
    assert (answer.code, answer.log) == (405, [])


@pytest.mark.parametrize(
    ("uri", "code"), [("/none/", errno.ENOENT), ("/a.html/", errno.ENOTDIR)]
)
def test_a_missing_directory_is_told_by_its_index(vm, root, uri, code):
    answer = vm.ask(uri, root)
    assert answer.code == 404
    line = f'error: "{root}{uri}index.html" is not found ({code}: {os.strerror(code)})'
    assert answer.log == [line]
    assert vm.ask(uri, root, log_not_found=False).log == []


def test_an_index_behind_a_loop(vm, root):
    answer = vm.ask("/loop/", root)
    assert (answer.code, answer.log) == (403, [])


def test_a_forbidden_directory(host_vm, root, monkeypatch):
    def deny(_path):
        raise static._CallError(b"stat()", errno.EACCES)

    monkeypatch.setattr(static, "_stat", deny)
    answer = host_vm.ask("/dir/", root)
    assert answer.code == 403
    assert answer.log == [
        f'error: "{root}/dir/index.html" is forbidden (13: Permission denied)'
    ]


def test_an_index_that_the_system_fails_to_test(host_vm, root, monkeypatch):
    real = static._stat

    def fail(path):
        if path.endswith(b"index.html"):
            raise static._CallError(b"stat()", errno.EIO)
        return real(path)

    monkeypatch.setattr(static, "_stat", fail)
    answer = host_vm.ask("/dir/", root)
    assert answer.code == 500
    assert answer.log == [
        f'crit: stat() "{root}/dir/index.html" failed (5: Input/output error)'
    ]


def test_an_alias_that_is_no_directory(vm, root):
    alias = {"path": [f"{root}/a.html"], "alias": True, "prefix": "/p/"}
    answer = vm.ask("/p/", alias)
    assert answer.code == 500
    assert answer.log == [f'alert: "{root}/a.htmlindex.html" is not a directory']


# A large file ---------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A document root with a file of more than a turn of pieces."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "file").write_bytes(os.urandom(33 * PIECE + 17))
    return folder


def test_a_large_file_is_sent_in_pieces(vm, large):
    answer = vm.ask("/file", large)
    assert answer.raw_body == (large / "file").read_bytes()
    assert (answer.pieces, answer.pauses, answer.open) == (34, 4, 0)
    assert answer.over == 34


def test_a_subrequest_does_not_wait(vm, large):
    answer = vm.ask("/file", large, parent={})
    assert answer.raw_body == (large / "file").read_bytes()
    assert answer.pauses == 0


def test_a_part_of_a_large_file(vm, large):
    answer = vm.ask("/file", large, headers={"Range": "bytes=65530-131080"})
    assert answer.raw_body == (large / "file").read_bytes()[65530:131081]
    assert answer.content_length == 65551


@pytest.mark.parametrize("size", [8, 9, 16, 17, 24])
def test_a_piece_is_as_large_as_an_output_buffer(vm, tmp_path, size):
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    answer = vm.ask("/file", tmp_path, output_buffers={"count": 1, "size": 8})
    assert answer.raw_body == data
    assert answer.sizes == [8] * (size // 8) + [1] * (size % 8)
    assert answer.over == answer.pieces


def test_a_client_that_has_gone(vm, large):
    answer = vm.ask("/file", large, gone=True)
    assert (answer.code, answer.pieces, answer.open) == (-1, 1, 0)


def test_headers_alone_leave_nothing_open(vm, large):
    for given in ({"method": "HEAD"}, {"headers": {"Range": "bytes=x"}}):
        answer = vm.ask("/file", large, **given)
        assert (answer.body, answer.open) == ("", 0)


def test_a_worker_that_stops_closes_its_files(vm, large):
    closed = []

    def stop():
        before = descriptors()
        vm.close_all()
        closed.append(before - descriptors())

    vm.ask("/file", large, on_write=stop, gone=True)
    assert closed == [1]


def test_a_file_that_shrinks_is_cut(vm, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x" * 3 * PIECE)

    def shrink():
        os.truncate(file, PIECE + 5)

    answer = vm.ask("/file", tmp_path, on_write=shrink)
    assert (answer.code, answer.pieces, answer.open) == (-1, 1, 0)
    assert answer.content_length == 3 * PIECE
    assert answer.log == [f'alert: pread() read only 5 of {PIECE} from "{file}"']


def test_no_more_than_there_is_can_be_sent(vm, root):
    given = {"headers": {"Range": "bytes=15-18"}, "set_announced": "20"}
    answer = vm.ask("/a.html", root, **given)
    assert (answer.code, answer.status, answer.pieces) == (-1, 206, 0)
    assert answer.log == [f'alert: pread() read only 0 of 4 from "{root}/a.html"']


def test_a_file_that_grows_is_sent_as_it_was(vm, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x" * (PIECE + 1))

    def grow():
        with file.open("ab") as stream:
            stream.write(b"more")

    answer = vm.ask("/file", tmp_path, on_write=grow)
    assert answer.raw_body == b"x" * (PIECE + 1)


def test_a_file_that_cannot_be_read_on_is_cut(host_vm, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"x" * (PIECE + 1))

    def fail(*_args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(static.os, "pread", fail)
    answer = host_vm.ask("/file", tmp_path)
    assert (answer.code, answer.open) == (-1, 0)
    assert answer.log == [
        f'crit: pread() "{tmp_path}/file" failed (5: Input/output error)'
    ]


# Ranges ---------------------------------------------------------------------


def test_a_range(vm, root):
    answer = vm.ask("/a.html", root, headers={"Range": "bytes=2-5"})
    assert (answer.status, answer.body, answer.content_length) == (206, "2345", 4)
    assert answer.headers == [f"ETag: {HTML_ETAG}", "Content-Range: bytes 2-5/10"]


def test_several_ranges(vm, root):
    answer = vm.ask("/a.html", root, headers={"Range": "bytes=0-3,5-6"})
    boundary = answer.content_type.removeprefix("multipart/byteranges; boundary=")
    assert len(boundary) == 20
    part = f"\r\n--{boundary}\r\nContent-Type: text/html\r\nContent-Range: bytes "
    assert answer.body == (
        f"{part}0-3/10\r\n\r\n0123{part}5-6/10\r\n\r\n56\r\n--{boundary}--\r\n"
    )
    assert answer.content_length == len(answer.body) == 198
    assert answer.over == answer.pieces
    assert answer.headers == [f"ETag: {HTML_ETAG}"]


def test_a_range_that_is_not_there(vm, root):
    answer = vm.ask("/a.html", root, headers={"Range": "bytes=10-"})
    assert (answer.code, answer.body) == (416, "")
    assert answer.values("Content-Range") == ["bytes */10"]
    assert answer.allow_ranges is False
