"""What a loaded configuration says."""

import os
import socket

import pytest
from conf_case import HTTP, SERVER
from hypothesis import given
from hypothesis import strategies as st

from resty_py.conf.hostnames import Hostnames, is_hostname
from resty_py.conf.model import (
    Break,
    Condition,
    Return,
    Rewrite,
    Set,
    SetByFunction,
    SetByLua,
)
from resty_py.conf.regex import Regex
from resty_py.conf.settings import (
    AccessLog,
    AccessRule,
    AddedHeader,
    EchoCommand,
    ErrorLog,
    ErrorPage,
    HeaderChange,
    LogFormat,
    Resolver,
    Root,
    SharedDict,
    ThreadPool,
    TryFiles,
)
from resty_py.conf.template import Capture, Template, Variable
from resty_py.conf.values import Buffers


def text(*parts):
    return Template(parts)


class TestMain:
    def test_settings(self, case):
        config = case.load(
            "daemon off; pid run/a.pid; error_log e.log warn; error_log stderr;\n"
            "env A; env B=c=d; worker_processes 3; thread_pool p threads=2;\n"
            "events { worker_connections 99; }"
        )
        settings = config.settings
        folder = f"{case.folder}/"
        assert settings["daemon"] is False
        assert settings["master_process"] is True
        assert settings["pid"] == f"{folder}run/a.pid"
        assert settings["error_log"] == (
            ErrorLog(f"{folder}e.log", "warn"),
            ErrorLog(None, "error"),
        )
        assert settings["env"] == (("A", None), ("B", "c=d"))
        assert settings["worker_processes"] == 3
        assert settings["thread_pool"] == (ThreadPool("p", 2, 65536),)
        assert settings["worker_connections"] == 99

    def test_defaults(self, case):
        config = case.load("events {}")
        assert config.http is None
        assert config.settings["pid"] == f"{case.folder}/logs/nginx.pid"
        assert config.settings["error_log"] == ()
        assert config.path == str(case.path)
        assert (config.prefix, config.conf_prefix) == (
            f"{case.folder}/",
            f"{case.folder}/conf/",
        )

    def test_frozen(self, case):
        config = case.load("events {}")
        with pytest.raises(TypeError):
            config.settings["daemon"] = False


class TestInheritance:
    def test_nearest(self, case):
        http = case.http(
            "keepalive_timeout 5 10; client_max_body_size 2g; default_type a/b;\n"
            "server { send_timeout 1m30s; default_type c/d;\n"
            "location /a { client_max_body_size 0; location /a/b { etag off; } } }"
        )
        (server,) = http.servers
        outer = server.base.locations[0]
        (inner,) = outer.locations
        assert http.settings["send_timeout"] == 60
        assert server.settings["send_timeout"] == 90
        assert inner.settings["keepalive_timeout"] == (5, 10)
        assert server.settings["client_max_body_size"] == 2 * 1024**3
        assert inner.settings["client_max_body_size"] == 0
        assert (outer.settings["etag"], inner.settings["etag"]) == (True, False)
        assert inner.settings["default_type"] == "c/d"

    def test_lists_are_replaced_as_a_whole(self, case):
        location = case.location("add_header C d;")
        assert location.settings["add_header"] == (AddedHeader("C", text("d")),)
        server = case.server("add_header A $host; add_header C d always; location / {}")
        assert server.base.locations[0].settings["add_header"] == (
            AddedHeader("A", text(Variable("host"))),
            AddedHeader("C", text("d"), True),
        )

    def test_allow_and_deny_are_one_list(self, case):
        server = case.server(
            "allow 10.1.2.3/8; deny all; location / { deny unix:; allow ::1; }"
        )
        assert server.settings["access_rules"] == (
            AccessRule(True, "10.0.0.0/8"),
            AccessRule(False, "all"),
        )
        assert server.base.locations[0].settings["access_rules"] == (
            AccessRule(False, "unix:"),
            AccessRule(True, "::1/128"),
        )

    def test_header_changes_add_up(self, case):
        server = case.server(
            "more_set_headers 'A: b'; location / { more_clear_headers C; }"
        )
        assert server.base.locations[0].settings["header_changes"] == (
            HeaderChange("more_set_headers", (("A", text("b")),)),
            HeaderChange("more_clear_headers", (("C", text()),)),
        )

    def test_what_is_not_inherited(self, case):
        server = case.server(
            "try_files a =404; set $x y;\n"
            "location / { return 204; content_by_lua_block { }\n"
            " location /a { } if ($x) { echo a; } }"
        )
        outer = server.base.locations[0]
        assert outer.settings["try_files"] is None
        assert outer.content == "lua"
        assert outer.locations[0].content is None
        assert outer.locations[0].script == ()
        assert outer.script[1].location.content == "echo"

    def test_defaults(self, case):
        settings = case.location("").settings
        folder = f"{case.folder}/"
        assert settings["root"] == Root(text(f"{folder}html"))
        assert settings["access_log"] == (
            AccessLog(text(f"{folder}logs/access.log"), "combined"),
        )
        assert settings["index"] == (text("index.html"),)
        assert settings["types"] == {
            "html": "text/html",
            "gif": "image/gif",
            "jpg": "image/jpeg",
        }
        assert settings["large_client_header_buffers"] == Buffers(4, 8192)
        assert settings["lua_code_cache"] is True
        assert settings["resolver"] is None

    @pytest.mark.parametrize(
        "logs", ["access_log off;", "access_log off; access_log a;",
                 "access_log a; access_log off;"],
    )  # fmt: skip
    def test_no_access_log(self, case, logs):
        assert case.location(logs).settings["access_log"] == ()

    def test_types(self, case):
        case.write("more.types", "c/d X;")
        settings = case.location(
            "types { a/b x y; } types { include more.types; }"
        ).settings
        assert settings["types"] == {"x": "c/d", "y": "a/b"}
        assert case.location("types { }").settings["types"] == {}


class TestValues:
    def test_paths(self, case):
        folder = f"{case.folder}/"
        settings = case.location(
            "root a/; lua_ssl_key_log keys.log;"
            "access_log l/$host.log combined if=$arg_a; error_log e info;"
            "access_log m combined buffer=4k flush=2s;"
        ).settings
        assert settings["root"] == Root(text(f"{folder}a"))
        assert settings["lua_ssl_key_log"] == f"{folder}conf/keys.log"
        assert settings["error_log"] == (ErrorLog(f"{folder}e", "info"),)
        assert settings["access_log"] == (
            AccessLog(
                text(f"{folder}l/", Variable("host"), ".log"),
                "combined",
                text(Variable("arg_a")),
            ),
            AccessLog(text(f"{folder}m"), "combined", None, 4096, 2),
        )

    @pytest.mark.parametrize(
        ("written", "root"),
        [
            ("alias /a/;", Root(text("/a/"), alias=True, prefix="/")),
            ("root $host/b;", Root(text(Variable("host"), "/b"))),
            ("root /;", Root(text())),
        ],
    )
    def test_root(self, case, written, root):
        assert case.location(written).settings["root"] == root

    @pytest.mark.parametrize(
        ("written", "pages"),
        [
            ("404 403 /a?b=c", [ErrorPage(404, None, text("/a"), "b=c"),
                                ErrorPage(403, None, text("/a"), "b=c")]),
            ("404 = @b", [ErrorPage(404, 0, text("@b"))]),
            ("404 =200 /$uri", [ErrorPage(404, 200, text("/", Variable("uri")))]),
            ("497 https://a/?b", [ErrorPage(497, 400, text("https://a/?b"))]),
        ],
    )  # fmt: skip
    def test_error_page(self, case, written, pages):
        settings = case.location(f"error_page {written};").settings
        assert settings["error_page"] == tuple(pages)

    @pytest.mark.parametrize(
        ("written", "value"),
        [
            ("$uri $uri/ /i", TryFiles(((text(Variable("uri")), False),
                                        (text(Variable("uri")), True)), text("/i"))),
            ("a =404", TryFiles(((text("a"), False),), None, 404)),
            ("a/ b/", TryFiles(((text("a"), True),), text("b/"))),
        ],
    )  # fmt: skip
    def test_try_files(self, case, written, value):
        assert case.location(f"try_files {written};").settings["try_files"] == value

    def test_resolver(self, case):
        settings = case.location(
            "resolver 127.0.0.1 [::1]:54 valid=1M ipv6=off;"
        ).settings
        assert settings["resolver"] == Resolver(
            (("127.0.0.1", 53), ("::1", 54)), 2592000, ipv6=False
        )

    def test_log_format(self, case):
        http = case.http("log_format a escape=json '$msec ' \"$Uri\";")
        assert list(http.log_formats) == ["combined", "a"]
        assert http.log_formats["a"] == LogFormat(
            "a", "json", text(Variable("msec"), " ", Variable("uri"))
        )
        assert http.log_formats["combined"].text.variables[:2] == (
            "remote_addr",
            "remote_user",
        )

    def test_map(self, case):
        (made,) = case.http(
            "map $arg_a$arg_b $C { hostnames; A $uri; ~*(?<x>d) $1; default e; }"
        ).maps
        assert made.source == text(Variable("arg_a"), Variable("arg_b"))
        assert (made.variable, made.hostnames, made.volatile) == ("c", True, False)
        assert made.default == text("e")
        first, second = made.rules
        assert (first.source, first.value) == ("a", text(Variable("uri")))
        assert second.source == Regex("(?<x>d)", True, str(case.path), 3)
        assert second.value == text(Capture(1))

    def test_lua(self, case):
        http = case.http(
            "lua_shared_dict a 1m; lua_shared_dict b 12k; lua_package_path ';;x';"
            "lua_regex_match_limit 7; lua_ssl_protocols TLSv1.2 TLSv1.3;"
        )
        assert http.shared_dicts == (
            SharedDict("a", 1024**2),
            SharedDict("b", 12 * 1024),
        )
        assert http.settings["lua_package_path"] == ";;x"
        assert http.settings["lua_regex_match_limit"] == 7
        assert http.settings["lua_ssl_protocols"] == ("TLSv1.2", "TLSv1.3")

    def test_echo(self, case):
        location = case.location("echo a $host; echo_after_body b; echo_status 201;")
        assert location.content == "echo"
        assert location.settings["echo"] == (
            EchoCommand("echo", (text("a"), text(Variable("host")))),
        )
        assert location.settings["echo_after_body"] == (
            EchoCommand("echo_after_body", (text("b"),)),
        )
        assert location.settings["echo_status"] == 201

    @pytest.mark.parametrize(
        ("written", "change"),
        [
            ("more_set_headers -s '404 500' -t 'a/b;c/d e/f' 'X : y: z' W:",
             HeaderChange("more_set_headers",
                          (("X", text("y: z")), ("W", text())), (404, 500),
                          ("a/b", "c/d", "e/f"))),
            ("more_clear_headers 'A: b' 'X-*'",
             HeaderChange("more_clear_headers", (("A", text()), ("X-*", text())))),
            ("more_set_input_headers -r 'A: $host'",
             HeaderChange("more_set_input_headers", (("A", text(Variable("host"))),),
                          replace=True)),
        ],
    )  # fmt: skip
    def test_headers_more(self, case, written, change):
        settings = case.location(f"{written};").settings
        assert settings["header_changes"] == (change,)

    @pytest.mark.parametrize(
        ("written", "name", "value"),
        [
            ("limit_rate 10k", "limit_rate", 10240),
            ("limit_rate $x", "limit_rate", text(Variable("x"))),
            ("charset utf-8", "charset", text("utf-8")),
            ("charset off", "charset", Template()),
            ("charset $x", "charset", text(Variable("x"))),
            ("disable_symlinks on from=$host", "disable_symlinks",
             ("on", text(Variable("host")))),
            ("satisfy ANY", "satisfy", "any"),
            ("internal", "internal", True),
            ("charset_types a/B", "charset_types", ("text/html", "a/b")),
            ("charset_types a *", "charset_types", ("*",)),
            ("directio off", "directio", None),
            ("index a $host /b", "index", (text("a"), text(Variable("host")),
                                           text("/b"))),
        ],
    )  # fmt: skip
    def test_other_values(self, case, written, name, value):
        location = case.location(f"set $x 1; {written};")
        assert location.settings[name] == value


class TestHandlers:
    def test_forms(self, case):
        location = case.location(
            "rewrite_by_lua 'a = \"\\n\"';\naccess_by_lua_file a/$host.lua;\n"
            "log_by_lua_file b.lua;\ncontent_by_lua_block\n{ x\n}"
        )
        hooks = location.hooks
        assert list(hooks) == ["rewrite", "access", "content", "log"]
        rewrite, access = hooks["rewrite"], hooks["access"]
        assert (rewrite.kind, rewrite.source) == ("string", b'a = "\n"')
        assert rewrite.chunk == "=rewrite_by_lua(nginx.conf:5)"
        assert (access.kind, access.source) == ("file", None)
        assert access.path == text("a/", Variable("host"), ".lua")
        assert hooks["log"].path == text(f"{case.folder}/b.lua")
        content = hooks["content"]
        assert (content.kind, content.source, content.line) == ("block", b" x\n", 9)
        assert content.chunk == "=content_by_lua(nginx.conf:9)"
        assert content.phase == "content"

    def test_inheritance(self, case):
        http = case.http(
            "init_by_lua_block { a } access_by_lua_block { b }\n"
            "server_rewrite_by_lua_block { c }\n"
            "server { access_by_lua_block { d } location / { } }\n"
            "server { server_rewrite_by_lua_block { e } log_by_lua_block { f }\n"
            "location / { access_by_lua_block { g } if ($uri) { } } }"
        )
        assert list(http.hooks) == ["init"]
        first, second = http.servers
        assert first.hooks["server_rewrite"].source == b" c "
        assert second.hooks["server_rewrite"].source == b" e "
        assert first.base.hooks["access"].source == b" d "
        assert first.base.locations[0].hooks["access"].source == b" d "
        inner = second.base.locations[0]
        assert inner.hooks["access"].source == b" g "
        assert inner.script[0].location.hooks["log"].source == b" f "
        assert "init" not in inner.hooks

    @pytest.mark.parametrize(
        ("name", "chunk"),
        [
            ("a.conf", "=content_by_lua(a.conf:1)"),
            ("sites/a.conf", "=content_by_lua(sites/a.conf:1)"),
            ("sites/nginx.conf", "=content_by_lua(nginx.conf:1)"),
            # 56 characters, as LuaJIT shows them, less the tag and the line
            ("d/" + "e" * 60 + ".conf",
             "=content_by_lua(..." + "e" * 33 + ".conf:1)"),
        ],
    )  # fmt: skip
    def test_chunk_names(self, case, name, chunk):
        case.write(name, "content_by_lua_block { }")
        assert case.location(f"include {name};").hooks["content"].chunk == chunk

    def test_empty_code_is_no_handler(self, case):
        http = case.http("init_worker_by_lua '';")
        assert http.hooks == {}


class TestScripts:
    def test_order(self, case):
        location = case.location(
            "set $A b$1;\nset_by_lua_block $c { return 1 }\nrewrite a b last;\n"
            "set_unescape_uri $d $a;\nset_quote_sql_str $d;\nbreak;\n"
            "set_by_lua_file $c x.lua $host;\nreturn 201 $c;"
        )
        set_, by_lua, rewrite, function, alone, break_, by_file, return_ = (
            location.script
        )
        assert set_ == Set("a", text("b", Capture(1)))
        assert isinstance(by_lua, SetByLua)
        assert (by_lua.variable, by_lua.args) == ("c", ())
        assert by_lua.handler.source == b" return 1 "
        assert by_lua.handler.chunk == "=set_by_lua(nginx.conf:6)"
        assert isinstance(rewrite, Rewrite)
        assert function == SetByFunction(
            "set_unescape_uri", "d", (text(Variable("a")),)
        )
        assert alone == SetByFunction("set_quote_sql_str", "d")
        assert break_ == Break()
        assert by_file.handler.path == text(f"{case.folder}/x.lua")
        assert by_file.args == (text(Variable("host")),)
        assert return_ == Return(201, text(Variable("c")))

    @pytest.mark.parametrize(
        ("written", "replacement", "rest"),
        [
            ("/b", "/b", ("", 0, True)),
            ("/b last", "/b", ("last", 0, True)),
            ("/b break", "/b", ("break", 0, True)),
            ("/b? redirect", "/b", ("", 302, False)),
            ("/b permanent", "/b", ("", 301, True)),
            ("http://b", "http://b", ("", 302, True)),
            ("https://b last", "https://b", ("last", 302, True)),
        ],
    )
    def test_rewrite(self, case, written, replacement, rest):
        (rewrite,) = case.location(f"rewrite (?<n>a) {written};").script
        assert rewrite.regex == Regex("(?<n>a)", False, str(case.path), 5)
        assert rewrite.replacement == text(replacement)
        assert (rewrite.flag, rewrite.status, rewrite.keep_args) == rest
        assert rewrite.is_last is (rest != ("", 0, True))

    @pytest.mark.parametrize(
        ("written", "value"),
        [
            ("404", Return(404)),
            ("200 a$host", Return(200, text("a", Variable("host")))),
            ("http://a", Return(302, text("http://a"))),
            ("301 /a", Return(301, text("/a"))),
        ],
    )
    def test_return(self, case, written, value):
        assert case.location(f"return {written};").script == (value,)

    @pytest.mark.parametrize(
        ("written", "operator", "subject", "value"),
        [
            ("($host)", "", text(Variable("host")), None),
            ("( $host )", "", text(Variable("host")), None),
            ("($host = a$uri)", "=", text(Variable("host")),
             text("a", Variable("uri"))),
            ("($host != '')", "!=", text(Variable("host")), text()),
            ("(-f a)", "-f", text("a"), None),
            ("(!-d $uri)", "!-d", text(Variable("uri")), None),
        ],
    )  # fmt: skip
    def test_condition(self, case, written, operator, subject, value):
        (step,) = case.location(f"if {written} {{ }}").script
        assert step.condition == Condition(operator, subject, value)

    @pytest.mark.parametrize("operator", ["~", "~*", "!~", "!~*"])
    def test_regex_condition(self, case, operator):
        (step,) = case.location(f"if ($host {operator} a) {{ set $x 1; }}").script
        assert step.condition.operator == operator
        assert step.condition.regex.caseless is operator.endswith("*")
        assert step.location.script == (Set("x", text("1")),)

    def test_settings_of_if(self, case):
        (step,) = case.location("root /a; if ($uri) { add_header B c; }").script
        assert step.location.settings["root"] == Root(text("/a"))
        assert step.location.modifier == "if"
        assert step.location.settings["add_header"] == (AddedHeader("B", text("c")),)


class TestLocations:
    @pytest.mark.parametrize(
        ("written", "modifier", "pattern"),
        [
            ("/a", "", "/a"),
            ("= /a", "=", "/a"),
            ("=/a", "=", "/a"),
            ("^~ /a", "^~", "/a"),
            ("~ ^/a", "~", "^/a"),
            ("~*^/a", "~*", "^/a"),
            ("@a", "@", "@a"),
        ],
    )
    def test_modifiers(self, case, written, modifier, pattern):
        (location,) = case.server(f"location {written} {{ }}").base.locations
        assert (location.modifier, location.pattern) == (modifier, pattern)
        assert (location.regex is not None) is modifier.startswith("~")
        assert (location.file, location.line) == (str(case.path), 4)

    def test_order_is_that_of_the_file(self, case):
        server = case.server("location /b {} location ~ x {} location /a {}")
        assert [one.pattern for one in server.base.locations] == ["/b", "x", "/a"]

    def test_limit_except(self, case):
        limit = case.location("limit_except get PUT { deny all; }").limit_except
        assert limit.methods == {"GET", "HEAD", "PUT"}
        assert limit.location.settings["access_rules"] == (AccessRule(False, "all"),)
        assert case.location("").limit_except is None


class TestServers:
    def test_names(self, case):
        names = case.server("server_name A.com .b.com ~^C; server_name '';").names
        assert [one.name for one in names] == ["a.com", ".b.com", "^C", ""]
        assert [one.regex is not None for one in names] == [False, False, True, False]
        assert names[2].regex.caseless

    def test_no_name(self, case):
        assert [one.name for one in case.server("").names] == [""]

    def test_hostname(self, case):
        (name,) = case.server("server_name $hostname;").names
        assert name.name == socket.gethostname().lower()

    def test_listen(self, case):
        listens = case.server(
            "listen 8001-8002; listen [::1]:81 ipv6only=off backlog=5;\n"
            "listen unix:/a default_server; listen 127.0.0.1 so_keepalive=1m::3;"
        ).listens
        assert [str(one.address) for one in listens] == [
            "0.0.0.0:8001",
            "0.0.0.0:8002",
            "[::1]:81",
            "unix:/a",
            "127.0.0.1:80",
        ]
        assert listens[2].options["ipv6only"] is False
        assert listens[2].options["backlog"] == 5
        assert [one.is_default for one in listens] == [False] * 3 + [True, False]
        assert listens[4].options["so_keepalive"] == (60, 0, 3)

    def test_default_listen(self, case):
        port = 80 if os.getuid() == 0 else 8000
        (listen,) = case.server("").listens
        assert str(listen.address) == f"0.0.0.0:{port}"

    def test_endpoints(self, case):
        http = case.http(
            "server { listen 127.0.0.1:81; listen unix:/a; }\n"
            "server { listen 127.0.0.1:81 default_server; }\n"
            "server { listen 127.0.0.1:81 backlog=9; }"
        )
        first, second = http.endpoints
        assert str(first.address) == "127.0.0.1:81"
        assert (first.default, first.servers) == (1, (0, 1, 2))
        assert first.options["backlog"] == 9
        assert first.options["default_server"] is True
        assert (second.default, second.servers) == (0, (0,))
        assert second.options["backlog"] == 511

    def test_several_addresses_of_a_host(self, case, monkeypatch):
        found = [
            (socket.AF_INET6, None, None, "", ("::1", 0, 0, 0)),
            (socket.AF_INET, None, None, "", ("127.0.0.1", 0)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        listens = case.server("listen some.host:82;").listens
        assert [str(one.address) for one in listens] == ["127.0.0.1:82", "[::1]:82"]

    def test_unknown_host(self, case, monkeypatch):
        def fail(*_, **__):
            raise socket.gaierror

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        assert case.error(SERVER % "listen some.host:82;") == (
            'host not found in "some.host:82" of the "listen" directive in nginx.conf:4'
        )


class TestVariables:
    @pytest.mark.parametrize(
        "name",
        ["host", "HOST", "arg_a", "http_a", "cookie_a", "sent_http_a", "args",
         "upstream_addr", "upstream_http_a", "ssl_protocol", "echo_it"],
    )  # fmt: skip
    def test_known(self, case, name):
        assert case.location(f"return 200 ${name};")

    def test_unknown(self, case):
        assert case.error(HTTP % "server { location / { return 200 $A_b; } }") == (
            'unknown "a_b" variable'
        )

    def test_set_misc_defines(self, case):
        assert case.location("set_unescape_uri $a $arg_b; return 200 $a;")

    def test_set_misc_needs_a_variable(self, case):
        assert case.error(SERVER % "set_unescape_uri a b;") == (
            'invalid variable name "a" in nginx.conf:4'
        )


class TestRegexNames:
    @pytest.mark.parametrize(
        ("pattern", "names"),
        [
            ("a", ()),
            ("(?<a>x)(?P<b_1>y)(?'c'z)", ("a", "b_1", "c")),
            (r"\(?<a>x)\\(?<b>y)", ("b",)),
            (r"\Q(?<a>x)\E(?<b>y)", ("b",)),
            ("(?<=a)(?<!b)(?:c)(?=d)", ()),
            ("(?<a>x)|(?<a>y)", ("a",)),
        ],
    )
    def test_names(self, pattern, names):
        assert Regex(pattern).names == names

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("a", False),
            ("(a)", True),
            ("(?<n>a)", True),
            ("(?:a)(?=b)(?<=c)(*ACCEPT)", False),
            (r"\([(]\Q(\E", False),
            (r"[]()](b)", True),
        ],
    )
    def test_captures(self, pattern, expected):
        assert Regex(pattern).has_captures is expected


class TestHostnames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [("a.b", True), ("", True), (".a", True), ("*.a", True), ("a.*", True),
         (".", True), ("*", False), ("*.", False), ("a*", False), ("a..b", False),
         ("*.a.*", False), ("a.*.b", False)],
    )  # fmt: skip
    def test_is_hostname(self, name, expected):
        assert is_hostname(name) is expected

    def test_clashes(self):
        names = Hostnames()
        added = ["a.b", ".a.b", ".c", "c", "*.c", "*.d", ".d", "e.*", "e.*", "e"]
        assert [names.add(name) for name in added] == [
            True, False, True, False, False, True, False, True, False, True,
        ]  # fmt: skip

    @given(st.lists(st.text("ab.*")))
    def test_without_masks_names_are_plain(self, added):
        names = Hostnames()
        new = [names.add(name, masks=False) for name in added]
        assert sum(new) == len(set(added))
