"""Where URIs are in the file system: root, alias, try_files, tests of files."""

import os

import pytest
from lua_worker import VARIANTS
from static_vm import Name, static_vm

URI = Name("uri")


@pytest.fixture(params=VARIANTS, ids=str)
def vm(request):
    return static_vm(request.param)


def alias(path, prefix=None):
    """An alias for *prefix*; without one, that of a regular expression."""
    given = {"path": path if isinstance(path, list) else [path], "alias": True}
    return given if prefix is None else given | {"prefix": prefix}


# Variables -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "uri", "filename", "document_root"),
    [
        ("/www", "/a/b", "/www/a/b", "/www"),
        (alias("/www/", "/a/"), "/a/b", "/www/b", "/www/"),
        (alias("/www", "/a"), "/ab/c", "/wwwb/c", "/www"),
        (alias("/www/x"), "/a/b", "/www/x", "/www/x"),
        ({"path": [Name("x")], "alias": False}, "/a", "/var/a", "/var"),
        ({"path": [Name("y"), "/z"], "alias": False}, "/a", "/prefix/y/z/a", None),
        ({"path": [Name("none")], "alias": False}, "/a", "/prefix//a", "/prefix/"),
        ({"path": [], "alias": False}, "/a", "/a", ""),
    ],
)
def test_the_file_of_a_uri(vm, root, uri, filename, document_root):
    variables = {"x": "/var", "y": "y"}
    answer = vm.ask(uri, root, "request_filename", variables=variables)
    assert answer.result == filename
    answer = vm.ask(uri, root, "document_root", variables=variables)
    assert answer.result == document_root or document_root is None


def test_an_alias_is_not_for_a_rewritten_uri(vm, root):
    where = alias(f"{root}/", "/prefix/")
    message = (
        'alert: "alias" cannot be used in location "/prefix/" where URI was rewritten'
    )
    for handler, result in (("request_filename", None), ("serve", 500)):
        answer = vm.ask("/prefix/a.html", where, handler, uri_rewritten=True)
        assert (answer.result, answer.log) == (result, [message])
    answer = vm.ask("/prefix/", where, uri_rewritten=True)
    assert answer.code == 500
    answer = vm.ask("/a.html", root, uri_rewritten=True)
    assert answer.status == 200


def test_the_real_path_of_the_root(vm, root):
    answer = vm.ask("/", f"{root}/linkdir", "realpath_root")
    assert answer.result == os.path.realpath(root / "dir")
    answer = vm.ask("/", "/none", "realpath_root")
    assert answer.result is None
    assert answer.log == [
        'crit: realpath() "/none" failed (2: No such file or directory)'
    ]


# try_files ---------------------------------------------------------------------


def try_files(*names, last=None, status=0):
    files = [
        [name[:-1] if name[-1] == "/" else name, name[-1] == "/"]
        for name in (list(name) for name in names)
    ]
    given = {"files": files, "status": status}
    return given if last is None else given | {"fallback": last}


def test_nothing_to_try(vm, root):
    answer = vm.ask("/x", root, "try_files")
    assert (answer.result, answer.uri) == (None, "/x")


@pytest.mark.parametrize(
    ("names", "uri"),
    [
        ([[URI]], "/a.html"),
        ([["/none"], ["/noext"]], "/noext"),
        ([["/dir"], ["/dir", "/"]], "/dir"),
        ([["/a.html", "/"], ["/fifo"]], "/fifo"),
        ([["/dir/index.html"]], "/dir/index.html"),
    ],
)
def test_what_is_there_becomes_the_uri(vm, root, names, uri):
    answer = vm.ask(
        "/a.html", root, "try_files", set_try_files=try_files(*names, status=404)
    )
    assert (answer.result, answer.uri, answer.log) == (None, uri, [])


def test_a_directory_keeps_the_slash_of_the_uri(vm, root):
    given = try_files([URI], [URI, "/"], status=404)
    for uri in ("/dir", "/dir/"):
        answer = vm.ask(uri, root, "try_files", set_try_files=given)
        assert (answer.result, answer.uri) == (None, uri)


@pytest.mark.parametrize(
    ("last", "result"),
    [
        (["/index.php"], {"uri": "/index.php", "args": ""}),
        (["/i?a=1&b?c"], {"uri": "/i", "args": "a=1&b?c"}),
        (["/i?"], {"uri": "/i", "args": ""}),
        (["/i", Name("is_args"), Name("args")], {"uri": "/i", "args": "x=y"}),
        (["@named"], {"named": "@named"}),
        ([Name("where")], {"named": "@there"}),
    ],
)
def test_where_to_go_else(vm, root, last, result):
    answer = vm.ask(
        "/none",
        root,
        "try_files",
        set_try_files=try_files([URI], [URI, "/"], last=last),
        variables={"is_args": "?", "args": "x=y", "where": "@there"},
    )
    assert (answer.result, answer.uri) == (result, "/none")


def test_a_status_else(vm, root):
    answer = vm.ask(
        "/x", root, "try_files", set_try_files=try_files(["/y"], status=410)
    )
    assert answer.result == {"status": 410}


def test_what_cannot_be_tested_is_not_there(vm, root):
    given = try_files(["/loop"], ["/a.html/x"], ["/" + "x" * 300], status=404)
    answer = vm.ask("/x", root, "try_files", set_try_files=given)
    assert answer.result == {"status": 404}
    assert answer.log == [
        f'crit: stat() "{root}/loop" failed (40: Too many levels of symbolic links)'
    ]


@pytest.mark.parametrize(
    ("uri", "given", "result", "new_uri"),
    [
        # Text with variables loses the prefix; what is found gets it back.
        ("/p/a.html", try_files([URI], status=404), None, "/p/a.html"),
        ("/p/dir", try_files([URI], [URI, "/"], status=404), None, "/p/dir"),
        # Other text does not.
        ("/p/x", try_files(["/p/a.html"], status=404), {"status": 404}, "/p/x"),
        ("/p/x", try_files(["a.html"], status=404), None, "/p/a.html"),
        # The last argument is no exception.
        (
            "/p/x",
            try_files([URI], last=["/p/f?", URI]),
            {"uri": "f", "args": "/p/x"},
            "/p/x",
        ),
        (
            "/p/x",
            try_files([URI], last=["/p/f?a"]),
            {"uri": "/p/f", "args": "a"},
            "/p/x",
        ),
    ],
)
def test_try_files_with_an_alias(vm, root, uri, given, result, new_uri):
    answer = vm.ask(uri, alias(f"{root}/", "/p/"), "try_files", set_try_files=given)
    assert (answer.result, answer.uri) == (result, new_uri)


def test_try_files_with_an_alias_of_a_regular_expression(vm, root):
    where = alias(str(root))
    given = try_files(["/a.html"], status=404)
    answer = vm.ask("/re/x", where, "try_files", set_try_files=given)
    assert (answer.result, answer.uri, answer.alias) == (None, "/a.html", True)
    answer = vm.ask("/a.html", where, add_uri_to_alias=True)
    assert answer.body == "0123456789"
    given = try_files(["/dir", "/"], status=404)
    answer = vm.ask("/re/x", where, "try_files", set_try_files=given)
    assert (answer.result, answer.uri, answer.alias) == (None, "/re/x", None)


def test_try_files_of_a_rewritten_uri(vm, root):
    where = alias(f"{root}/", "/p/")
    given = try_files([URI], status=404)
    answer = vm.ask("/x", where, "try_files", set_try_files=given, uri_rewritten=True)
    assert answer.result == {"status": 500}


# disable_symlinks ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "rule", "status"),
    [
        ("/link.html", ["on"], 403),
        ("/a.html", ["on"], 200),
        ("/link.html", ["if_not_owner"], 200),
        ("/linkdir/index.html", ["on"], 404),
        ("/linkdir/index.html", ["on", [Name("root"), "/linkdir"]], 200),
        ("/linkdir/index.html", ["on", [Name("root"), "/linkdir/"]], 200),
        ("/linkdir/index.html", ["on", [Name("root")]], 404),
        ("/linkdir/index.html", ["on", [Name("root"), "/link"]], 404),
        ("/linkdir/index.html", ["on", [Name("none")]], 404),
        ("/linkdir/index.html", ["on", [Name("root"), "/linkdir/index.html/x"]], 404),
        ("/link.html", ["on", [Name("root"), "/link.html"]], 200),
    ],
)
def test_disable_symlinks(vm, root, uri, rule, status):
    variables = {"root": str(root)}
    answer = vm.ask(uri, root, disable_symlinks=rule, variables=variables)
    assert (answer.code or answer.status) == status
    if status != 200:
        assert answer.log[0].startswith(f'error: openat() "{root}{uri}" failed (')


def test_an_index_that_is_a_link(vm, root):
    index = [["link.html"]]
    answer = vm.ask("/", root, index=index, disable_symlinks=["on"])
    assert (answer.code, answer.log) == (403, [])


def test_try_files_minds_links(vm, root):
    given = try_files(["/link.html"], ["/a.html"], status=404)
    answer = vm.ask(
        "/x", root, "try_files", set_try_files=given, disable_symlinks=["on"]
    )
    assert answer.uri == "/a.html"
    file = root / "link.html"
    assert answer.log == [
        f'crit: openat() "{file}" failed (40: Too many levels of symbolic links)'
    ]


# Tests of files --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("a.html", {"kind": "file", "executable": False}),
        ("run.sh", {"kind": "file", "executable": True}),
        ("dir", {"kind": "directory", "executable": True}),
        ("fifo", {"kind": "other", "executable": False}),
        ("link.html", {"kind": "file", "executable": False}),
        ("none", {}),
        ("a.html/x", {}),
    ],
)
def test_what_is_at_a_path(vm, root, name, result):
    answer = vm.ask(f"{root}/{name}", root, "test")
    assert (answer.result, answer.log) == (result, [])


def test_what_fails_in_a_test_is_logged(vm, root):
    answer = vm.ask(f"{root}/loop", root, "test")
    assert answer.result == {}
    assert answer.log == [
        f'crit: stat() "{root}/loop" failed (40: Too many levels of symbolic links)'
    ]
    answer = vm.ask(f"{root}/link.html", root, "test", disable_symlinks=["on"])
    assert answer.result == {}
    assert "openat()" in answer.log[0]
