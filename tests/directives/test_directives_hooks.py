"""Lua's hooks: each of them, in each of its forms, and the rules of its phase."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conversation import get, post
from directive_pair import Pair, case

from resty_py.conf.modules import COMMANDS
from resty_py.conf.modules.lua import HOOKS

LUA = Path(__file__).parent / "lua"

#: What nginx of Debian does not have yet.
NEWER = {"precontent"}

SUB = "location /sub { return 200 sub; } location /other { return 200 other; }"

#: What the calls of a phase are made by; its file is told in NAME.out.
RUN = "require('calls').run('PREFIX/logs/NAME.out'{names})"

PHASES = {
    "set": "location / {{ set_by_lua_block $v {{ {lua} return 1 }} return 200 [$v]; }}",
    "server_rewrite": "server_rewrite_by_lua_block {{ if ngx.var.uri == '/' then"
    " {lua} end }} location / {{ return 200 ok; }}",
    "rewrite": "location / {{ rewrite_by_lua_block {{ {lua} }} echo ok; }}",
    "access": "location / {{ access_by_lua_block {{ {lua} }} echo ok; }}",
    "content": "location / {{ content_by_lua_block {{ {lua} }} }}",
    "header_filter": "location / {{ header_filter_by_lua_block {{ {lua} }} echo ok; }}",
    "body_filter": "location / {{ body_filter_by_lua_block {{ {lua} }} return 200"
    " ok; }}",
    "log": "location / {{ log_by_lua_block {{ {lua} }} return 200 ok; }}",
    "timer": "location / {{ content_by_lua_block {{ ngx.timer.at(0, function() {lua}"
    " end) ngx.say('ok') ngx.sleep(0.1) }} }}",
}  # fmt: skip

ENDERS = ("exit", "exit_404", "redirect", "exec", "req.set_uri.jump")

REST = """
get_phase log print_log now md5 escape_uri re.match config.prefix worker.id worker.count
worker.pid worker.exiting ctx.write ctx.read var.read var.write var.write_fixed
status.read headers_sent is_subrequest header.read header.write resp.get_headers
arg.read arg.write req.get_method req.set_method req.http_version req.start_time
req.is_internal req.raw_header req.get_headers req.set_header req.clear_header
req.get_uri_args req.set_uri_args req.set_uri req.get_post_args req.read_body
req.get_body_data req.get_body_file req.set_body_data req.set_body_file req.init_body
req.append_body req.finish_body req.discard_body req.socket location.capture
location.capture_multi sleep thread.spawn thread.wait coroutine on_abort timer.at
timer.every timer.counts socket.tcp socket.connect socket.udp socket.setpeername
send_headers print say flush flush.wait status.write eof
"""

CASES = {
    **{
        f"{phase}_calls": case(
            f"set $settable 0; {SUB} "
            + conf.format(lua=RUN.format(names=f", [[{REST}]]")),
            post("/?q=1", b"a=1"), level="error",
        )
        for phase, conf in PHASES.items()
    },
    **{
        f"{phase}_ends_{name.replace('.', '_')}": case(
            f"set $settable 0; {SUB} "
            + conf.format(lua=RUN.format(names=f", '{name} get_phase'")),
            get("/?q=1"),
        )
        for phase, conf in PHASES.items()
        for name in ENDERS
    },
}  # fmt: skip

PATH = "lua_package_path 'PREFIX/lua/?.lua;;';"

FILES = {f"lua/{path.name}": path.read_text() for path in LUA.iterdir()}

PAIR = Pair(CASES, http=PATH, files=FILES, settle=0.3)


@pytest.mark.parametrize("flavour", ["luajit21", "lua51", "lua54"])
@pytest.mark.parametrize("name", CASES)
def test_rules_of_phases(name, flavour):
    PAIR.check(name, flavour)


# The worker's own phases ----------------------------------------------------------

LEFT_OUT = {
    # nginx does not survive some of these, does not know yet how many workers there
    # will be, and lets ngx.arg be any table.
    "init": "req.socket flush flush.wait worker.count arg.write timer.counts",
    # nginx has no worker that could be exiting where it has no master.
    "exit_worker": "worker.exiting",
    "init_worker": "",
}

#: How nginx says that there is no request, by the file that says it.
NO_REQUEST = re.compile(
    r"(?:\S+:\d+: )?(no request found|no request object found"
    r"|request object not found|no request)$"
)


def calls_of(phase):
    names = [name for name in REST.split() if name not in LEFT_OUT[phase].split()]
    return " ".join([*names, "exit redirect exec"])


WORKER_PAIR = Pair(
    {"worker": case("location / { return 200 ok; }")},
    http=PATH + "".join(
        f"{phase}_by_lua_block {{ require('calls').run(ngx.config.prefix() .."
        f" 'logs/worker.{phase}.out', [[{calls_of(phase)}]]) }}\n"
        for phase in LEFT_OUT
    ),
    files=FILES,
)  # fmt: skip


def test_rules_of_phases_of_the_worker():
    theirs, ours = WORKER_PAIR.expected("worker"), WORKER_PAIR.actual("worker")
    for phase in LEFT_OUT:
        one, other = (
            [NO_REQUEST.sub("no request", line) for line in files]
            for files in (theirs.files[f"worker.{phase}.out"],
                          ours.files[f"worker.{phase}.out"])
        )  # fmt: skip
        assert other == one


# Forms -------------------------------------------------------------------------

HOOK = f"{LUA.name}/hook.lua"

#: Code that does what hook.lua does.
CODE = "return dofile(ngx.config.prefix() .. 'lua/hook.lua')"

#: A form of a directive, given what comes before its code.
FORMS = {
    "block": lambda before: f"{before.format('_block')} {{ {CODE} }}",
    "string": lambda before: f'{before.format("")} "{CODE}";',
    "file": lambda before: f"{before.format('_file')} lua/hook.lua;",
}

#: Where a hook stands, and what the server answers with.
PLACES = {
    "server_rewrite": ("server", "return 200 ok;"),
    "content": ("location", ""),
    "set": ("location", "return 200 $v;"),
    **dict.fromkeys(("rewrite", "access", "header_filter"), ("location", "echo ok;")),
    **dict.fromkeys(("body_filter", "log"), ("location", "return 200 ok;")),
}  # fmt: skip


def exists(phase, form):
    return f"{phase}_by_lua{ {'string': ''}.get(form, '_' + form) }" in COMMANDS


def form_cases(form):
    cases = {}
    for phase, (place, rest) in PLACES.items():
        if not exists(phase, form):
            continue
        before = f"{phase}_by_lua{{}}" + (" $v" if phase == "set" else "")
        hook = FORMS[form](before)
        inside = f"location / {{ {hook} {rest} }}"
        if place == "server":
            inside = f"{hook} location / {{ {rest} }}"
        cases[f"{form}_{phase}"] = case(inside)
    cases["worker"] = case("location / { return 200 ok; }")
    return cases


def form_pair(form):
    hooks = [
        FORMS[form](f"{phase}_by_lua{{}}")
        for phase in ("init", "init_worker", "exit_worker")
        if exists(phase, form)
    ]
    return Pair(form_cases(form), http="\n".join([PATH, *hooks]), files=FILES)


FORM_PAIRS = {form: form_pair(form) for form in FORMS}

ALL_FORMS = [(form, name) for form, pair in FORM_PAIRS.items() for name in pair.cases]


@pytest.mark.parametrize(("form", "name"), ALL_FORMS)
def test_forms(form, name):
    FORM_PAIRS[form].check(name)


def test_forms_are_run():
    """What is compared is no empty file."""
    for form, name in ALL_FORMS:
        (lines,) = FORM_PAIRS[form].actual(name).files.values()
        assert len(lines) > 1


def forms_of(phase):
    return [form for form in FORMS if exists(phase, form)]


#: Hooks whose cases are with what they are about.
_TLS = "../tls/*.py"
ELSEWHERE = {
    "balancer": "test_directives_proxy.py",
    "ssl_client_hello": _TLS,
    "ssl_certificate": _TLS,
    "ssl_session_fetch": _TLS,
    "ssl_session_store": _TLS,
}


def test_every_hook_has_a_case_in_each_of_its_forms():
    for phase in [*HOOKS, "set"]:
        text = NEWER_PAIR.text if phase in NEWER else ""
        if phase in ELSEWHERE:
            paths = Path(__file__).parent.glob(ELSEWHERE[phase])
            text = "\n".join(path.read_text() for path in paths)
        for form in forms_of(phase):
            name = f"{phase}_by_lua{ {'string': ''}.get(form, '_' + form) } "
            assert name in (text or FORM_PAIRS[form].text), name


# Phases that nginx of Debian does not have --------------------------------------

NEWER_PAIR = Pair(
    {
        "block": case(
            f"location / {{ precontent_by_lua_block {{ {CODE} }} echo ok; }}"
        ),
        "file": case("location / { precontent_by_lua_file lua/hook.lua; echo ok; }"),
        "calls": case(
            f"set $settable 0; {SUB} location / {{ precontent_by_lua_block {{"
            + RUN.format(names=f", [[{REST}]]") + "} echo ok; }", post("/?q=1", b"a=1"),
        ),
        **{
            f"ends_{name.replace('.', '_')}": case(
                f"{SUB} location / {{ precontent_by_lua_block {{"
                + RUN.format(names=f", '{name} get_phase'") + "} echo ok; }",
            )
            for name in ENDERS
        },
        "after_access": case(
            "location / { access_by_lua_block { ngx.ctx.a = 1 }"
            " precontent_by_lua_block { ngx.ctx.a = ngx.ctx.a + 1 }"
            " content_by_lua_block { ngx.say(ngx.ctx.a) } }"
        ),
        "after_try_files": case(
            "location / { try_files /none @n; precontent_by_lua_block {"
            " ngx.say('never') } } location @n { echo named; }"
        ),
        "answers": case(
            "location / { precontent_by_lua_block { ngx.say('lua') } echo ok; }"
        ),
        "fails": case("location / { precontent_by_lua_block { error('x') } echo ok; }"),
    },
    http=PATH, files=FILES,
)  # fmt: skip


def test_precontent_says_its_phase():
    for form in ("block", "file"):
        actual = NEWER_PAIR.actual(form)
        assert actual.files[f"{form}.out"] == ("precontent", "")
        assert "ok" in actual.answers[0]


def test_precontent_is_as_access():
    """What may be called there is what access_by_lua may call, but for subrequests."""
    ours = NEWER_PAIR.actual("calls").files["calls.out"]
    access = PAIR.expected("access_calls").files["access_calls.out"]
    differing = {
        one.replace("precontent", "access")
        for one, other in zip(ours, access, strict=True)
        if one.replace("precontent", "access") != other
    }
    assert differing == {
        f"location.{name} error <prefix>/lua/calls.lua:{line}: "
        "API disabled in the context of access_by_lua*"
        for name, line in (("capture", line_of("location.capture") + 1),
                           ("capture_multi", line_of("location.capture_multi") + 1))
    }  # fmt: skip


def line_of(call):
    lines = FILES["lua/calls.lua"].splitlines()
    return lines.index(f'define("{call}", function()') + 1


def test_precontent_comes_between_access_and_content():
    assert "2" in NEWER_PAIR.actual("after_access").answers[0]
    assert "named" in NEWER_PAIR.actual("after_try_files").answers[0]
    assert "lua" in NEWER_PAIR.actual("answers").answers[0]


def test_precontent_fails_as_access_does():
    actual = NEWER_PAIR.actual("fails")
    assert actual.answers[0][0] == "HTTP/1.1 500 Internal Server Error"
    (line,) = actual.errors
    assert line.startswith("error: lua entry thread aborted: runtime error: precontent")


def test_precontent_ends_as_access_does():
    for name in ENDERS:
        key = name.replace(".", "_")
        ours = NEWER_PAIR.actual(f"ends_{key}")
        access = PAIR.actual(f"access_ends_{key}")
        assert ours.answers[0][0] == access.answers[0][0]
