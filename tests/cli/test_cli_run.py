"""``resty-py run``: scripts, options, exit codes, output and signals."""

import os
import re
import resource
import signal
import subprocess
import sys

import pytest

from resty_py.cli.run_options import UsageError, parse
from resty_py.conf.program import app_settings
from resty_py.server.config import Limits
from resty_py.server.console import CONSOLE_SETTINGS
from resty_py.vm import FLAVOURS

#: Bytes of memory that a script may have which is to run out of them.
MEMORY = 400_000_000

each_flavour = pytest.mark.parametrize("flavour", FLAVOURS)


@pytest.fixture
def run(tmp_path):
    """Run the command; return code, stdout and stderr."""

    def run(*words, stdin=""):
        command = [sys.executable, "-m", "resty_py", "run", *map(str, words)]
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            cwd=tmp_path,
            env={**os.environ, "GREETING": "hello"},
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def script(tmp_path):
    """Write a script and return its path."""

    def write(text, name="script.lua"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


# Scripts ---------------------------------------------------------------------

EVERYTHING = """\
#!/usr/bin/env resty
io.write("a") ngx.print("b", nil, true, {"c", {1, 2.5}}, ngx.null) print("d", 1)
ngx.say(arg[0] == "script.lua", " ", arg[1], " ", arg[2], " ", #arg, " ", ...)
ngx.say(ngx.get_phase(), " ", ngx.config.is_console, " ", ngx.timer.running_count())
ngx.say(os.getenv("GREETING"), " ", io.read("*l"), " ", ngx.flush(), " ", ngx.eof())
local sock = ngx.socket.tcp()
print(sock:connect("127.0.0.1", 1))
local thread = ngx.thread.spawn(function() ngx.sleep(0.001) return "slept" end)
print(select(2, ngx.thread.wait(thread)))
ngx.timer.at(100, function(premature) ngx.say("premature ", premature) end)
ngx.thread.spawn(function() ngx.sleep(0.01) ngx.say("last") end)
ngx.log(ngx.WARN, "warned")
ngx.log(ngx.NOTICE, "not kept")
print(pcall(ngx.say, print))
"""

PRINTED = """\
abniltruec12.5nulld1
true one two 2 onetwo
timer true 1
hello from stdin 1 true
nilconnection refused
slept
falsebad argument #1 to 'say' (string, number, boolean, nil, ngx.null, or array \
table expected, but got function)
premature true
last
"""


@each_flavour
def test_a_script(run, script, flavour):
    script(EVERYTHING)
    code, out, err = run(
        "--lua", flavour, "script.lua", "one", "two", stdin="from stdin\n"
    )
    assert (code, out) == (0, PRINTED)
    assert err.endswith("*1 [lua] script.lua:12: warned, context: ngx.timer\n")
    assert err.count("\n") == 1


@each_flavour
def test_an_error(run, script, flavour):
    script("local function f()\n local x = nil\n return x.y\nend\nngx.sleep(0)\nf()\n")
    code, out, err = run("--lua", flavour, "script.lua")
    assert (code, out) == (1, "")
    lines = err.splitlines()
    assert lines[0].startswith("ERROR: script.lua:3: attempt to index ")
    assert lines[1] == "stack traceback:"
    assert lines[2].startswith("\tscript.lua:3: in ")
    assert "console.lua" not in err


@each_flavour
def test_an_error_that_no_handler_sees(flavour):
    """Lua has it so where memory is short."""
    source = "local t, s = {}, ('x'):rep(1e6) while true do t[#t + 1] = s .. #t end"
    done = subprocess.run(
        [sys.executable, "-m", "resty_py", "run", "--lua", flavour, "-e", source],
        capture_output=True,
        text=True,
        timeout=30,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ERROR: not enough memory\n")


def test_no_trio_before_it_is_needed(run, tmp_path):
    code, out, _ = run("-e", "ngx.say('hi') ngx.sleep(0.001) ngx.say(1)")
    assert (code, out) == (0, "hi\n1\n")
    probe = (
        "import sys, atexit; from resty_py.cli import main;"
        "main(['run', '-e', 'ngx.sleep(0) ngx.re.find([[a]], [[a]])']);"
        "names = ['trio._core', 'dns.message', 'h11._connection', 'ssl', 'argparse',"
        " 'resty_py.conf.builder'];"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_what_needs_trio(run):
    """A name is looked up by a task, in the middle of the script."""
    code, out, err = run(
        "-e",
        "local before = ngx.now() ngx.sleep(0.001) local s = ngx.socket.tcp()"
        " print(s:connect('localhost', 1)) ngx.sleep(0.001) ngx.update_time()"
        " print(ngx.now() - before < 20)",
    )
    assert (code, out, err) == (0, "nilconnection refused\ntrue\n", "")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ngx.exit(7)", 7),
        ("ngx.exit(ngx.OK)", 0),
        ("os.exit(3)", 3),
        ("ngx.timer.at(0, function() os.exit(4) end) ngx.sleep(10)", 4),
        ("error()", 1),
        ("ngx.thread.spawn(function() error('x') end)", 0),
    ],
)
def test_exit_codes(run, code, status):
    assert run("-e", f"io.write('out') {code}")[:2] == (status, "out")


def test_what_does_not_compile(run, script):
    script("x =")
    assert run("script.lua") == (
        1,
        "",
        "ERROR: script.lua:1: unexpected symbol near '<eof>'\n",
    )
    assert run("-e", "y =")[2].startswith("ERROR: (command line -e):1: unexpected ")


# Options ---------------------------------------------------------------------


def test_pieces_run_before_the_file(run, script, tmp_path):
    (tmp_path / "lib").mkdir()
    script("library = 'library'", "lib/some.lua")
    script("ngx.say(library, piece)")
    code, out, _ = run("-I", "lib", "-lsome", "-e", "piece = 1", "script.lua")
    assert (code, out) == (0, "library1\n")


@pytest.mark.parametrize("words", [[], ["--http-conf", "lua_shared_dict a 1m;"]])
def test_folders_come_before_our_own_modules(run, script, tmp_path, words):
    (tmp_path / "lib").mkdir()
    script("return 'theirs'", "lib/tablepool.lua")
    code, out, _ = run("-I", "lib", *words, "-e", "print(require 'tablepool')")
    assert (code, out) == (0, "theirs\n")


def test_dictionaries(run):
    code = "local d = ngx.shared.cats d:set('a', 1) print(d:get('a'), d:capacity())"
    assert run("--shdict", "cats 1m", "-e", code)[:2] == (0, "11048576\n")
    assert run("--shdict", "cats", "-e", "")[2] == (
        "resty-py run: --shdict takes 'NAME SIZE', not 'cats'\n"
    )


def test_what_there_is_no_memory_for(run):
    assert run("--shdict", "cats 99999999999m", "-e", "")[2] == (
        "resty-py run: mmap(MAP_ANON|MAP_SHARED, 104857599998951424) failed "
        "(12: Cannot allocate memory)\n"
    )


@pytest.mark.parametrize("name", ["x", "", "1.2.3.4:x"])
def test_nameservers_that_are_none(run, name):
    code, out, err = run("--ns", name, "-e", "print(1)")
    assert (code, out) == (1, "")
    assert "[emerg] " in err


def test_folders_are_quoted(run):
    code, out, _ = run("-I", 'a"b', "--main-conf", "", "--dump-nginx-conf")
    assert code == 0
    assert r'lua_package_path "a\"b/?.lua;a\"b/?/init.lua;;";' in out


@pytest.mark.parametrize("flavour", ["luajit21", "lua54"])
def test_many_arguments(run, script, flavour):
    script('print(#arg, " ", arg[9000], " ", select("#", ...))')
    words = range(1, 9001)
    code, out, _ = run("--lua", flavour, "script.lua", *words)
    assert (code, out) == (0, "9000 9000 4096\n")


def test_the_log_level(run):
    _, _, err = run("--errlog-level=info", "-e", "ngx.log(ngx.INFO, 'told')")
    assert err.endswith("[lua] (command line -e):1: told, context: ngx.timer\n")


def test_directives(run, tmp_path):
    (tmp_path / "dict.conf").write_text("lua_shared_dict cats 1m;")
    code, out, _ = run(
        "--http-include", "dict.conf",
        "--http-conf", "init_by_lua_block { from_init = ngx.config.is_console }",
        "--main-conf", "env GREETING;",
        "-I", ".",
        "-e", "print(from_init, ngx.shared.cats:capacity(), os.getenv('GREETING'))",
    )  # fmt: skip
    assert (code, out) == (0, "true1048576hello\n")


def test_directives_that_are_wrong(run):
    code, out, err = run("--http-conf", "foo;", "-e", "")
    assert (code, out) == (1, "")
    assert "[emerg] " in err
    assert 'unknown directive "foo"' in err


def test_the_configuration_is_shown(run):
    code, out, _ = run("--dump-nginx-conf", "-c", "100", "--ns", "192.0.2.1")
    assert code == 0
    assert "worker_connections 100;" in out
    assert "resolver 192.0.2.1 ipv6=off;" in out


def test_the_configuration_is_shown_as_it_is():
    done = subprocess.run(
        [sys.executable, "-m", "resty_py", "run", "--dump-nginx-conf",
         "--http-conf", b"# \xff"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
        check=True,
    )  # fmt: skip
    assert b"    # \xff\n" in done.stdout


def test_another_command_runs_it(run):
    code, out, _ = run("--user-runner", "env A=1", "-e", "print(os.getenv('A'))")
    assert (code, out) == (0, "1\n")
    assert run("--user-runner", '"', "-e", "")[::2] == (
        1,
        'resty-py run: --user-runner ": No closing quotation\n',
    )


def test_the_compiler(run):
    assert run("-joff", "-e", "print(jit.status())")[1].startswith("false")
    assert run("-j=off", "--lua", "lua54", "-e", "")[::2] == (
        1,
        "resty-py run: -j needs LuaJIT, and this is Lua 5.4\n",
    )


#: What the compiler does with a line, and how it says so. The numbers behind the
#: reasons are those of LuaJIT's own table.
TRACED = {
    "for i = 1, 100 do end": r"TRACE +\d+ x.lua:1 loop",
    "for i = 1, 100 do local f = function() return i end end":
        "TRACE --- x.lua:1 -- NYI: bytecode FNEW",
    "local f = function(x) return x end jit.off(f) for i = 1, 100 do f(i) end":
        "TRACE --- x.lua:1 -- JIT compilation disabled for function",
    "for i = 1, 100 do pcall(rawset, {}, 0/0, 1) end":
        "TRACE --- x.lua:1 -- store with nil or NaN key",
    "local b = bit.band for i = 1, 100 do pcall(b, {}, 1) end":
        "TRACE --- x.lua:1 -- bad argument type",
    "local f = string.format for i = 1, 100 do f('%p', f) end":
        r"TRACE +\d+ x.lua:1 stitch string.format",
}  # fmt: skip


@pytest.mark.parametrize("code", TRACED)
def test_what_the_compiler_does(run, code, tmp_path):
    script = tmp_path / "x.lua"
    script.write_text(code)
    status, _, err = run("-j", "v", str(script))
    assert status == 0
    assert re.search(rf"^\[{TRACED[code]}", err, re.MULTILINE)


def test_what_the_compiler_does_goes_to_a_file(run, tmp_path):
    script = tmp_path / "x.lua"
    script.write_text(
        'local v = require "jit.v" v.on(arg[1]) for i = 1, 100 do end v.off()'
        " for i = 1, 200 do end"
    )
    assert run(str(script), str(tmp_path / "out"))[0] == 0
    assert (tmp_path / "out").read_text().count("x.lua:1 loop]") == 1


@pytest.mark.parametrize("before", [[], ["-I", "lib"]])
def test_short_form(before):
    words = [*before, "-e", "print(1)", "-e", "print(2)"]
    done = subprocess.run(
        [sys.executable, "-m", "resty_py", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\n2\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "neither a Lua file nor -e is given"),
        (["-x"], 'unknown option "-x"'),
        (["--no-such"], 'unknown option "--no-such"'),
        (["-e"], "-e takes a value"),
        (["-c", "many", "-e", ""], '-c takes a number of connections, not "many"'),
        (["-jon"], '-j takes off, v or dump, not "on"'),
        (["-joff", "-joff"], "-j is given twice"),
        (["--shdict", "a 1m", "--shdict", "a 2m"],
         'lua_shared_dict "a" is already defined as "a"'),
        (["no.lua"], "Lua input file no.lua not found."),
        (["--http-include", "no.conf"], "no.conf: no such file"),
        (["--stream-conf", "x"], "--stream-conf: there is no stream module"),
        (["--nginx", "x"], "--nginx: there is no nginx to choose"),
        (["--gdb"], "--gdb: it wraps nginx in a debugger"),
    ],
)  # fmt: skip
def test_wrong_usage(words, text):
    with pytest.raises(UsageError) as caught:
        parse(words)
    assert str(caught.value).startswith(text)


def test_where_the_script_begins(script):
    path = str(script(""))
    options = parse(["-eprint(1)", "-l=cjson", "--", path, "-e", "--x"])
    assert options.inline == ["print(1)", 'require("cjson")']
    assert (options.file, options.args, options.own) == (path, ["-e", "--x"], 3)


def test_the_settings_are_the_defaults(tmp_path):
    defaults = app_settings(Limits().as_settings(), tmp_path)
    own = {b"lua_regex_cache_max_entries": 40960, b"lua_socket_log_errors": False}
    for name, value in CONSOLE_SETTINGS.items():
        assert value == own.get(name, defaults[name]), name


# Signals ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "body", "code", "out"),
    [
        (signal.SIGINT, "ngx.sleep(60)", 130, "premature true\n"),
        (signal.SIGINT, "ngx.sleep(3000000)", 130, "premature true\n"),
        (signal.SIGINT, "while true do end", 130, ""),
        (signal.SIGTERM, "ngx.sleep(60)", 143, ""),
        (signal.SIGTERM, "ngx.socket.tcp():connect('localhost', 1) ngx.sleep(60)",
         143, ""),
        (signal.SIGTERM, "local f = io.popen('exec sleep 60 2>&1') f:read(1)", 143, ""),
        (signal.SIGQUIT, "ngx.sleep(0.1)", 0, "premature true\n"),
        (signal.SIGHUP, "ngx.sleep(0.1)", 0, "premature true\n"),
    ],
)  # fmt: skip
def test_signals(number, body, code, out):
    source = (
        "ngx.timer.at(3e6, function(premature) ngx.say('premature ', premature) end)"
        f" io.stderr:write('ready\\n') {body}"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "resty_py", "run", "-e", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        printed, _ = process.communicate(timeout=20)
    assert process.returncode == code
    if code != 130 or out:
        assert printed == out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_before_a_script(number):
    """They end the process as they end any, without a traceback of Python's."""
    init = "init_by_lua_block { io.stderr:write('ready\\n') while true do end }"
    with subprocess.Popen(
        [sys.executable, "-m", "resty_py", "run", "--http-conf", init, "-e", ""],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (-number, "")


# Standard files --------------------------------------------------------------


def in_shell(line):
    """Run a command of the shell in which $RUN is ours; return stdout and stderr."""
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "RUN": f"{sys.executable} -m resty_py run"},
    )
    return done.stdout, done.stderr


def test_output_that_nobody_takes():
    """As with nginx, which ignores SIGPIPE, the script goes on and is told."""
    source = """
        io.stdout:setvbuf("no")
        io.stderr:write(tostring(select(2, ngx.say("line"))), ", ",
                        tostring(select(2, ngx.print("line"))))
    """
    full = "No space left on device"
    assert in_shell(f"$RUN -e '{source}' > /dev/full") == ("", f"{full}, {full}")
    for option in ("-v", "-h"):
        assert in_shell(f"$RUN {option} > /dev/full; echo $? >&2") == (
            "",
            f"resty-py run: {full}\n1\n",
        )
    many = 'for i = 1, 100000 do ngx.say(i) end io.stderr:write("ended")'
    assert in_shell(f"$RUN -e '{many}' | head -1") == ("1\n", "ended")


def test_standard_files_that_are_closed():
    """Descriptors of the worker do not take their numbers."""
    source = """
        io.stderr:write(tostring(select(2, io.read())), " ")
        io.stdout:setvbuf("no")
        io.stderr:write(tostring(select(2, ngx.say("x"))))
    """
    _, err = in_shell(f"$RUN -e '{source}' <&- >&-")
    assert err == "Bad file descriptor Bad file descriptor"
    assert in_shell("$RUN -e 'io.stderr:write(1) print(2)' 2>&-") == ("2\n", "")
