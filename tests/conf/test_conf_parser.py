"""Files, blocks and what may stand where."""

import re

import pytest
from conf_case import HTTP, LOCATION, SERVER

from resty_py.conf.errors import ConfError, UnsupportedError
from resty_py.conf.loader import load
from resty_py.conf.parser import MAX_DEPTH


class TestTree:
    def test_tree(self, case):
        config = case.load("daemon off;\nevents {\n use epoll;\n}\n")
        daemon, events = config.tree
        assert (daemon.name, daemon.args, daemon.block, daemon.line) == (
            "daemon",
            ("off",),
            None,
            1,
        )
        assert [(one.name, one.args) for one in events.block] == [("use", ("epoll",))]
        assert (events.file, events.line) == (str(case.path), 2)

    def test_lua_block(self, case):
        config = case.load(HTTP % "init_by_lua_block\n{ x = '\\}' }")
        init = config.tree[1].block[0]
        assert (init.source, init.line) == (b" x = '\\}' ", 4)
        assert init.args == (" x = '\\}' ",)

    def test_lines_of_types_and_maps(self, case):
        config = case.load(HTTP % "types { text/html htm html; }\nmap $uri $a { b c; }")
        types, map_ = config.tree[1].block
        assert [(one.name, one.args) for one in types.block] == [
            ("text/html", ("htm", "html"))
        ]
        assert [(one.name, one.args) for one in map_.block] == [("b", ("c",))]


class TestFiles:
    def test_include(self, case):
        case.write("a.conf", "daemon off;")
        config = case.load("events {}\ninclude a.conf;\nmaster_process off;")
        assert [one.name for one in config.tree] == [
            "events",
            "daemon",
            "master_process",
        ]
        assert config.tree[1].file == str(case.path.parent / "a.conf")
        assert list(config.files.values()) == [
            b"events {}\ninclude a.conf;\nmaster_process off;",
            b"daemon off;",
        ]

    def test_mask(self, case):
        for name in ("b", "a", "C"):
            case.write(f"d/{name}.conf", f"env {name};")
        case.write("d/.hidden.conf", "nonsense")
        config = case.load("events {}\ninclude d/*.conf;\ninclude e/*.conf;")
        assert config.settings["env"] == (("C", None), ("a", None), ("b", None))

    def test_errors_name_the_included_file(self, case):
        case.write("a.conf", "\nfoo;")
        assert case.error("include a.conf;") == 'unknown directive "foo" in a.conf:2'

    def test_block_must_end_in_its_file(self, case):
        case.write("a.conf", "events {\n")
        assert case.error("include a.conf;\n}") == (
            'unexpected end of file, expecting "}" in a.conf:2'
        )

    def test_included_block_end(self, case):
        case.write("a.conf", "}")
        assert case.error("events {\ninclude a.conf;\n}") == (
            'unexpected "}" in a.conf:1'
        )

    def test_missing_main_file(self, tmp_path):
        with pytest.raises(ConfError) as caught:
            load("conf/none.conf", tmp_path)
        assert str(caught.value) == (
            f'nginx: [emerg] open() "{tmp_path}/conf/none.conf" failed '
            "(2: No such file or directory)"
        )

    def test_folder(self, tmp_path):
        with pytest.raises(ConfError) as caught:
            load(tmp_path, tmp_path)
        assert str(caught.value) == (
            f'nginx: [crit] pread() "{tmp_path}" failed (21: Is a directory)'
        )

    def test_name_with_nul(self, case):
        assert "No such file" in case.error('include "a\x00b";')

    def test_endless_includes_of_types(self, case):
        case.write("types", "include types;")
        assert case.error(HTTP % "types { include types; }") == (
            'open() "types" failed (24: Too many open files) in types:1'
        )

    def test_endless_includes(self, case):
        assert case.error("include nginx.conf;") == (
            'open() "nginx.conf" failed (24: Too many open files) in nginx.conf:1'
        )

    def test_nesting_is_limited(self, case):
        text = "location / {" * (MAX_DEPTH + 1) + "}" * (MAX_DEPTH + 1)
        assert "too many nested blocks" in case.error(SERVER % text)

    def test_deep_nesting(self, case):
        depth = MAX_DEPTH - 4
        location = case.location("location / {" * depth + "}" * depth)
        for _ in range(depth):
            (location,) = location.locations


class TestGlobalDirectives:
    def test_they_come_first(self, case):
        config = case.load("events {}", "daemon off; env A=b;")
        assert config.settings["daemon"] is False
        assert config.settings["env"] == (("A", "b"),)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("foo;", 'unknown directive "foo" in command line'),
            ("daemon x;", ('invalid value "x" in "daemon" directive, it must be '
             '"on" or "off" in command line')),
            ("events {}", ("block directives are not supported in -g option "
             "in command line")),
            ("daemon off", ('unexpected end of parameter, expecting ";" '
             "in command line")),
            ("}", 'unexpected "}" in command line'),
        ],
    )  # fmt: skip
    def test_errors(self, case, text, message):
        assert case.error("events {}", text) == message

    def test_duplicates_of_the_file(self, case):
        assert case.error("daemon off;\nevents {}", "daemon off;") == (
            '"daemon" directive is duplicate in nginx.conf:1'
        )


class TestUnsupported:
    @pytest.mark.parametrize(
        ("text", "what", "line"),
        [
            (LOCATION % "fastcgi_pass a;", '"fastcgi_pass" directive', 5),
            (LOCATION % "proxy_store on;", '"proxy_store on"', 5),
            (
                LOCATION % "proxy_bind $remote_addr transparent;",
                '"proxy_bind $remote_addr transparent"',
                5,
            ),
            (HTTP % "charset_map a b {\n c d;\n}", '"charset_map" directive', 3),
            (HTTP % "ssi on;", '"ssi on"', 3),
            (SERVER % "listen 443 http2;", '"listen 443 http2"', 4),
            (HTTP % "ssl_dhparam a;", '"ssl_dhparam" directive', 3),
            (HTTP % "ssl_certificate $a;", 'variables in "ssl_certificate"', 3),
            ("stream {\n}", '"stream" directive', 1),
            ("error_log memory:32m debug;", '"error_log memory:32m"', 1),
        ],
    )
    def test_error(self, case, text, what, line):
        case.path.write_text(text)
        with pytest.raises(UnsupportedError) as caught:
            load(case.path, case.folder)
        assert str(caught.value) == (
            f"nginx: [emerg] {what} is not supported yet by resty-py "
            f"in {case.path}:{line}"
        )

    def test_lenient(self, case):
        text = HTTP % (
            "ssi on;\n"
            "charset_map a b {\n server b;\n content_by_lua_block { '}' }\n}\n"
            "server { listen unix:s; listen 443 http2; proxy_limit_rate 1; }"
        )
        config = case.load(text + "stream { upstream { x y; } }\n", lenient=True)
        whats = [re.match(r'"([^"]*)"', notice.text)[1] for notice in config.notices]
        assert whats == [
            "ssi on",
            "charset_map",
            "listen 443 http2",
            "proxy_limit_rate",
            "stream",
        ]
        assert {notice.level for notice in config.notices} == {"warn"}
        assert config.http.settings["ssi"] is False
        assert [str(one.address) for one in config.http.endpoints] == ["unix:s"]

    def test_a_server_whose_only_listen_is_left_out_listens_nowhere(self, case):
        http = case.http("server { listen 443 http2; }", lenient=True)
        assert http.servers[0].listens == ()
        assert http.endpoints == ()

    def test_lenient_block_that_does_not_end(self, case):
        assert case.error("events {}\nstream {\n a {\n", lenient=True) == (
            'unexpected end of file, expecting "}" in nginx.conf:4'
        )

    def test_what_nginx_would_refuse_is_refused_first(self, case):
        assert case.error(HTTP % "fastcgi_pass a;") == (
            '"fastcgi_pass" directive is not allowed here in nginx.conf:3'
        )


# lua-nginx-module forgets to name the directive; we do not.
def test_second_lua_handler_is_named(case):
    text = LOCATION % "content_by_lua 'x = 1';\ncontent_by_lua_block { }"
    assert case.error(text) == (
        '"content_by_lua_block" directive is duplicate in nginx.conf:6'
    )


def test_an_error_is_one_line(case):
    assert case.error("'a\nb\x00';") == (
        'unknown directive "a\\x0ab\\x00" in nginx.conf:2'
    )


def test_notices_before_an_error(case):
    case.path.write_text(HTTP % "lua_code_cache off;\nfoo;")
    with pytest.raises(ConfError) as caught:
        load(case.path, case.folder)
    assert list(map(str, caught.value.notices)) == [
        (
            "nginx: [alert] lua_code_cache is off; this will hurt performance "
            f"in {case.path}:3"
        )
    ]


def test_relative_prefix(case, monkeypatch):
    case.write("nginx.conf", "events {}\nerror_log e.log;\nfoo;")
    monkeypatch.chdir(case.folder.parent)
    with pytest.raises(ConfError) as caught:
        load("conf/nginx.conf", case.folder.name)
    assert caught.value.text == (
        f'unknown directive "foo" in {case.folder.name}/conf/nginx.conf:3'
    )
