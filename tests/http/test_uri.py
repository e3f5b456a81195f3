"""lualib/resty_py/http/uri.lua: targets, $uri, $args, and escaping.

Expected values follow RFC 3986 section 5.2.4 as ngx_http_parse_complex_uri
reads it; where nginx is installed it is asked the same.
"""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nginx_peer import running_nginx

from resty_py.vm import FLAVOURS, VM

REFUSED = (None, 400)


class Uri:
    def __init__(self, flavour: str) -> None:
        vm = VM(flavour)
        self.parse_all = vm.run(b'return require("resty_py.http.uri").parse')
        self.escape = vm.run(b'return require("resty_py.http.uri").escape')

    def parse(self, target: bytes, *merge: bool) -> tuple[object, ...]:
        """Return path, args, extension, request_uri, host | None, 400."""
        return self.parse_all(target, *merge)


@pytest.fixture(scope="module", params=FLAVOURS)
def uri(request):
    return Uri(request.param)


@pytest.mark.parametrize(
    ("target", "path", "args", "exten"),
    [
        (b"/", b"/", None, None),
        (b"/a/b.c", b"/a/b.c", None, b"c"),
        (b"/a?b=c", b"/a", b"b=c", None),
        (b"/a?", b"/a", None, None),
        (b"/a??b", b"/a", b"?b", None),
        (b"/a?b%41+#c", b"/a", b"b%41+", None),
        (b"/a?#c", b"/a", b"", None),
        (b"/a#b?c", b"/a", None, None),
        (b"/a.b?c.d", b"/a.b", b"c.d", b"b"),
        (b"/%41%62%2f%2F%20", b"/Ab/ ", None, None),
        (b"/a%25b%3fc%23d", b"/a%b?c#d", None, None),
        (b"/%c3%a9", b"/\xc3\xa9", None, None),
        (b"/\xc3\xa9", b"/\xc3\xa9", None, None),
        (b"/a//b///", b"/a/b/", None, None),
        (b"/a/./b/.", b"/a/b/", None, None),
        (b"/a/../b/..", b"/", None, None),
        (b"/a/b/../../c", b"/c", None, None),
        (b"/%2e%2E%2f", REFUSED, None, None),
        (b"/..", REFUSED, None, None),
        (b"/../a", REFUSED, None, None),
        (b"/a/../../b", REFUSED, None, None),
        (b"/a%00", REFUSED, None, None),
        (b"/a%4", REFUSED, None, None),
        (b"/a%4x", REFUSED, None, None),
        (b"/a?%00", b"/a", b"%00", None),
        (b"/a/..?b", b"/", b"b", None),
        (b"/.htaccess", b"/.htaccess", None, None),
        (b"/a/.b.c", b"/a/.b.c", None, b"c"),
        (b"/...a", b"/...a", None, None),
        (b"/....a", b"/....a", None, b"a"),
        (b"/a.", b"/a.", None, None),
        (b"/a.b/c", b"/a.b/c", None, None),
        (b"/a.b/", b"/a.b/", None, None),
        (b"*", REFUSED, None, None),
        (b"a", REFUSED, None, None),
        (b"", REFUSED, None, None),
        (b"/a b", REFUSED, None, None),
        (b"/a\x00", REFUSED, None, None),
    ],
)
def test_path_args_and_extension(uri, target, path, args, exten):
    expected = path if path == REFUSED else (path, args, exten, target, None)
    assert uri.parse(target) == expected


@pytest.mark.parametrize(
    ("target", "request_uri", "path", "args", "host"),
    [
        (b"http://Host.Example/a?b", b"/a?b", b"/a", b"b", b"Host.Example"),
        (b"http://h", b"/", b"/", None, b"h"),
        (b"http://h:80", b"/", b"/", None, b"h"),
        (b"http://h?a", b"?a", b"/", b"a", b"h"),
        (b"HTTP://h:80//a/", b"//a/", b"/a/", None, b"h"),
        (b"http://[::1]:80/", b"/", b"/", None, b"[::1]"),
        (b"x+y-z.1://h/", b"/", b"/", None, b"h"),
    ],
)
def test_absolute_targets(uri, target, request_uri, path, args, host):
    assert uri.parse(target) == (path, args, None, request_uri, host)


@pytest.mark.parametrize(
    "target",
    [b"http:", b"http:/a", b"1x://h/", b"http://h#a", b"http://u@h/", b"http://[::1"],
)
def test_bad_absolute_targets(uri, target):
    assert uri.parse(target) == REFUSED


@pytest.mark.parametrize(
    ("target", "merged", "kept"),
    [
        (b"//", b"/", b"//"),
        (b"/a//b", b"/a/b", b"/a//b"),
        (b"//../a", REFUSED, b"/a"),
        (b"/a//../b", b"/b", b"/a/b"),
        (b"/a/.//", b"/a/", b"/a//"),
    ],
)
def test_merge_slashes(uri, target, merged, kept):
    answer = uri.parse(target)
    assert answer == REFUSED if merged is REFUSED else answer[0] == merged
    assert uri.parse(target, True) == answer
    assert uri.parse(target, False)[0] == kept


#: RFC 3986 2.2 and 2.3: the reserved and unreserved characters, but for "?"
#: and "#", which would end the path.
UNESCAPED = (
    b"!$&'()*+,-./0123456789:;=@[]_~"
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)


def test_escape(uri):
    for code in range(256):
        one = bytes([code])
        assert uri.escape(one) == (one if one in UNESCAPED else b"%%%02X" % code)
    assert uri.escape(b"/a b\xc3\xa9?") == b"/a%20b%C3%A9%3F"


SEGMENTS = st.lists(
    st.sampled_from(
        [
            b"/", b"//", b"/.", b"/..", b"/%2e", b"/%2E%2e", b"%2f", b"a", b".b", b"..",
            b"...", b"%25", b"%3f", b"%23", b"%", b"%4", b"%41", b"%00", b"?", b"#",
            b"+", b"\xc3\xa9",
        ]
    ),
    max_size=12,
).map(lambda parts: b"/" + b"".join(parts))  # fmt: skip


@pytest.fixture(scope="module")
def nginx():
    with running_nginx({"default": "", "slashes": "merge_slashes off;"}) as peer:
        yield peer


@settings(max_examples=200, deadline=None)
@given(target=SEGMENTS, merge=st.booleans())
def test_the_real_nginx_reads_targets_the_same(uri, nginx, target, merge):
    data = b"GET %b HTTP/1.0\r\n\r\n" % target
    answer = nginx.ask(data, "default" if merge else "slashes")
    ours = uri.parse(target, merge)
    if answer.status != 200:
        assert (answer.status, ours) == (400, REFUSED)
    else:
        values = answer.echoes[0].values
        assert ours[:2] == (values["uri"], values.get("args"))
        assert ours[3] == values["request_uri"]


@settings(max_examples=200, deadline=None)
@given(target=SEGMENTS)
def test_paths_are_resolved(uri, target):
    path = uri.parse(target)[0]
    if path is not None:
        assert path.startswith(b"/")
        assert b"//" not in path
        assert not {b".", b".."} & set(path.split(b"/"))


def test_the_real_nginx_escapes_the_same(uri, tmp_path):
    names = [
        bytes(code for code in codes if code not in b"/")
        for codes in (range(1, 128), range(128, 256))
    ]
    for name in names:
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    directives = "location ~ . {{ root {}; absolute_redirect off; }}"
    with running_nginx({"default": directives.format(Path(tmp_path))}) as peer:
        for name in names:
            escaped = b"".join(b"%%%02x" % code for code in name)
            answer = peer.ask(b"GET /%b HTTP/1.0\r\n\r\n" % escaped)
            assert b"Location: /%b/\r\n" % uri.escape(name) in answer.raw
