"""The command line of ``resty-py nginx``: texts and exit codes are nginx's.

Every case of :data:`CASES` is held against the real nginx as well.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from resty_py import __version__, cli
from resty_py.cli import nginx
from resty_py.conf import configure
from resty_py.conf.modules import MODULES
from resty_py.conf.modules import bundle as bundled
from resty_py.vm import FLAVOURS, VM

CONF = "events {} http { server { listen unix:P/s; } }"


@dataclass(frozen=True)
class Case:
    """A call of nginx in a folder P, and what comes of it.

    Attributes:
        argv: the arguments; P is the folder.
        code: the exit code.
        err: what is said on stderr.
        out: what is said on stdout.
        conf: the configuration; P is the folder.
        pid: what is in the pid file, or None for no such file.
        log: the lines of the log of ``-e``, without time and process.
    """

    argv: str
    code: int
    err: str = ""
    out: str = ""
    conf: str = CONF
    pid: str | None = None
    log: tuple[str, ...] = ()


# The error log of the command is named, for it is compiled in elsewhere.
T = "-p P -c P/nginx.conf -e P/e.log"

OK = """\
nginx: the configuration file P/nginx.conf syntax is ok
nginx: configuration file P/nginx.conf test is successful
"""
BAD = "nginx: configuration file P/nginx.conf test failed\n"


def _usage(argv, said):
    return Case(argv, 1, f"nginx: {said}\n")


def _failing(argv, said, *, conf=CONF, pid=None, more="", lines=()):
    return Case(
        argv, 1, f"nginx: {said}\n{more}", conf=conf, pid=pid, log=(*lines, said)
    )


_STARTED = "[notice] signal process started"

CASES = {
    # Options
    "a word": _usage("foo", 'invalid option: "foo"'),
    "unknown letter": _usage("-x", 'invalid option: "x"'),
    "unknown letter behind others": _usage("-qvx", 'invalid option: "x"'),
    "a long option": _usage("--help", 'invalid option: "-"'),
    "-p alone": _usage("-p", 'option "-p" requires directory name'),
    "-c alone": _usage("-tc", 'option "-c" requires file name'),
    "-e alone": _usage("-e", 'option "-e" requires file name'),
    "-g alone": _usage("-g", 'option "-g" requires parameter'),
    "-s alone": _usage("-s", 'option "-s" requires parameter'),
    "-s with nonsense": _usage("-s start", 'invalid option: "-s start"'),
    "-s and nonsense in one": _usage("-sstart", 'invalid option: "-s start"'),
    "the first mistake counts": _usage("-x -y", 'invalid option: "x"'),
    # Tests of the configuration
    "-t": Case(f"{T} -t", 0, OK),
    "-t in one word with others": Case("-tqpP -cP/nginx.conf -eP/e.log", 0),
    "-t and a relative file": Case("-p P -c nginx.conf -e e.log -t", 0, OK),
    "-t -q": Case(f"{T} -t -q", 0),
    "-T": Case(f"{T} -T", 0, OK, "# configuration file P/nginx.conf:\n" + CONF + "\n"),
    "-T with an include": Case(
        f"{T} -q -T", 0, "",
        "# configuration file P/nginx.conf:\n"
        "events {} include P/nothing*; include P/nginx.types;\n"
        "# configuration file P/nginx.types:\n# types\n\n",
        conf="events {} include P/nothing*; include P/nginx.types;",
    ),
    "-t with an error": _failing(
        f"{T} -t", '[emerg] unknown directive "foo" in P/nginx.conf:2',
        conf="events {}\nfoo;", more=BAD,
    ),
    "-t -q with an error": _failing(
        f"{T} -t -q", '[emerg] unknown directive "foo" in P/nginx.conf:1',
        conf="foo;", more=BAD,
    ),
    "-t without events": Case(
        f"{T} -t", 1,
        "nginx: the configuration file P/nginx.conf syntax is ok\n"
        'nginx: [emerg] no "events" section in configuration\n' + BAD,
        conf="pid P/pid;", log=('[emerg] no "events" section in configuration',),
    ),
    "-t without a file": _failing(
        "-p P -c no.conf -e e.log -t",
        '[emerg] open() "P/no.conf" failed (2: No such file or directory)',
        more="nginx: configuration file P/no.conf test failed\n",
    ),
    "-t with a warning": Case(
        f"{T} -t", 0,
        'nginx: [warn] conflicting server name "a" on unix:P/s, ignored\n' + OK,
        conf="events {} http { server { listen unix:P/s; server_name a; }"
             " server { listen unix:P/s; server_name a; } }",
        log=('[warn] conflicting server name "a" on unix:P/s, ignored',),
    ),
    "-t where the pid file cannot be": Case(
        f"{T} -t", 1,
        "nginx: the configuration file P/nginx.conf syntax is ok\n"
        'nginx: [emerg] open() "P/no/pid" failed (2: No such file or directory)\n'
        + BAD,
        conf=f"pid P/no/pid; {CONF}",
        log=('[emerg] open() "P/no/pid" failed (2: No such file or directory)',),
    ),
    "-t where a log cannot be": Case(
        f"{T} -t", 1,
        "nginx: the configuration file P/nginx.conf syntax is ok\n"
        'nginx: [emerg] open() "P/no/x.log" failed (2: No such file or directory)\n'
        + BAD,
        conf=f"error_log P/no/x.log; {CONF}",
        log=('[emerg] open() "P/no/x.log" failed (2: No such file or directory)',),
    ),
    "-t where a socket cannot be": Case(
        f"{T} -t", 1,
        "nginx: the configuration file P/nginx.conf syntax is ok\n"
        "nginx: [emerg] bind() to unix:P/no/s failed (2: No such file or directory)\n"
        + BAD,
        conf="events {} http { server { listen unix:P/no/s; } }",
        log=("[emerg] bind() to unix:P/no/s failed (2: No such file or directory)",),
    ),
    "-t where a folder cannot be": Case(
        f"{T} -t", 1,
        "nginx: the configuration file P/nginx.conf syntax is ok\n"
        'nginx: [emerg] mkdir() "P/no/body" failed (2: No such file or directory)\n'
        + BAD,
        conf="events {} http { client_body_temp_path P/no/body;"
             " server { listen unix:P/s; } }",
        log=('[emerg] mkdir() "P/no/body" failed (2: No such file or directory)',),
    ),
    "-t leaves Lua alone": Case(
        f"{T} -t", 0, OK,
        conf="events {} http { init_by_lua_block { error('run') }"
             " server { listen unix:P/s; } }",
    ),
    "-e stderr": Case(
        "-p P -c nginx.conf -e stderr -t", 1,
        'TIME [emerg] PID: unknown directive "foo" in P/nginx.conf:1\n' + BAD,
        conf="foo;",
    ),
    "-e where no log can be": Case(
        "-p P -c nginx.conf -e no/e.log -t", 1,
        'nginx: [alert] could not open error log file: open() "P/no/e.log" failed'
        " (2: No such file or directory)\n"
        'TIME [emerg] PID: unknown directive "foo" in P/nginx.conf:1\n' + BAD,
        conf="foo;",
    ),
    "-g": Case(f"{T} -t -g", 1, 'nginx: option "-g" requires parameter\n'),
    "-g with an error": _failing(
        f"{T} -t -g foo;", '[emerg] unknown directive "foo" in command line', more=BAD
    ),
    # Signals
    "-s without a pid file": _failing(
        f"{T} -s stop",
        '[error] open() "P/pid" failed (2: No such file or directory)',
        lines=(_STARTED,),
    ),
    "-s and an empty pid file": _failing(
        f"{T} -s quit", '[error] invalid PID number "" in "P/pid"', pid="",
        lines=(_STARTED,),
    ),
    "-s and no number": _failing(
        f"{T} -s reload", '[error] invalid PID number "abc" in "P/pid"', pid="abc\n",
        lines=(_STARTED,),
    ),
    "-s and nobody": _failing(
        f"{T} -s reopen", "[alert] kill(999999999, 10) failed (3: No such process)",
        pid="999999999\n", lines=(_STARTED,),
    ),
    "-s with an error": _failing(
        f"{T} -s reopen", '[emerg] unknown directive "foo" in P/nginx.conf:1',
        conf="foo;",
    ),
    # Starting
    "an error": _failing(
        T, '[emerg] unknown directive "foo" in P/nginx.conf:1', conf="foo;"
    ),
    "no file": _failing(
        "-p P -c no.conf -e e.log",
        '[emerg] open() "P/no.conf" failed (2: No such file or directory)',
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    # Short, since it is in the path of a socket.
    return tmp_path


def fill(case, folder):
    conf = case.conf.replace("P/", f"{folder}/")
    if "pid " not in conf and "foo" not in conf:
        conf = f"pid {folder}/pid; {conf}"
    if "-T" not in case.argv:
        conf = conf.replace("http {", "http { access_log off;", 1)
    (folder / "nginx.conf").write_text(conf)
    (folder / "nginx.types").write_text("# types\n")
    (folder / "logs").mkdir()
    if case.pid is not None:
        (folder / "pid").write_text(case.pid)


def argv(case, folder):
    return [re.sub(r"P(?=/|$)", str(folder), word) for word in case.argv.split()]


def plain(text, folder):
    text = text.replace(str(folder), "P")
    return re.sub(r"(?m)^[\d/]+ [\d:]+ (\[\w+\]) \d+#\d+:", r"TIME \1 PID:", text)


def log_lines(folder):
    try:
        text = (folder / "e.log").read_text()
    except FileNotFoundError:
        return ()
    text = plain(text, folder)
    return tuple(
        re.sub(r"^TIME (\[\w+\]) PID:", r"\1", line) for line in text.splitlines()
    )


def assert_expected(case, folder, code, out, err):
    dumped = (folder / "nginx.conf").read_text() if "-T" in case.argv else ""
    out = plain(out, folder)
    expected = (
        case.out.replace(case.conf, plain(dumped, folder)) if dumped else case.out
    )
    assert plain(err, folder) == case.err
    assert (code, out) == (case.code, expected)
    assert log_lines(folder) == case.log


@pytest.mark.parametrize("name", CASES)
def test_ours(name, folder, capfd):
    case = CASES[name]
    fill(case, folder)
    code = cli.main(["nginx", *argv(case, folder)])
    captured = capfd.readouterr()
    assert_expected(case, folder, code, captured.out, captured.err)


def require_nginx():
    path = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("nginx is not installed")
    if path is None:
        pytest.skip("nginx is not installed")
    return path


#: What the real one needs for Lua in a configuration.
LUA = "".join(
    f"load_module /usr/lib/nginx/modules/{name}.so; "
    for name in ("ndk_http_module", "ngx_http_lua_module")
)


def temporary(folder):
    """Return directives by which only root may not need to run the real one."""
    names = ("proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"{name}_temp_path {folder}/{name};" for name in names)


@pytest.mark.parametrize("name", CASES)
def test_nginxs(name, folder):
    case = CASES[name]
    fill(case, folder)
    path = folder / "nginx.conf"
    conf = path.read_text()
    if "lua" in conf:
        path.write_text(LUA + conf)
    elif "-T" not in case.argv:
        path.write_text(conf.replace("http {", "http { " + temporary(folder)))
    done = subprocess.run(
        [require_nginx(), *argv(case, folder)], capture_output=True, text=True
    )
    assert_expected(case, folder, done.returncode, done.stdout, done.stderr)


# What the real one cannot say for us -------------------------------------------


@pytest.fixture
def run(capfd):
    """Run the command; return its exit code, stdout and stderr."""

    def run(*argv):
        code = cli.main(["nginx", *map(str, argv)])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


class TestVersion:
    def test_version(self, run):
        said = f"nginx version: nginx/{nginx.NGINX_VERSION} (resty-py {__version__})\n"
        assert run("-v") == (0, "", said)

    @pytest.mark.parametrize("flavour", FLAVOURS)
    def test_lua_is_told_the_same_one(self, flavour):
        vm = VM(flavour, host={"worker": {}})
        version = vm.run(b"return require('resty_py.version').nginx")
        assert version.decode() == nginx.NGINX_VERSION

    def test_configure(self, run):
        code, out, err = run("-V")
        assert (code, out) == (0, "")
        # What tools look for.
        assert re.match(r"nginx version: nginx/(\d+)\.(\d+)\.(\d+) ", err)
        assert re.search(r"^built with OpenSSL \d+\.\d+\.\d+ ", err, re.MULTILINE)
        assert "\nTLS SNI support enabled\n" in err
        last = err.splitlines()[-1]
        assert last.startswith("configure arguments: --prefix=/usr/share/nginx --")
        for name in (
            "ngx_devel_kit", "lua-nginx-module", "echo-nginx-module",
            "headers-more-nginx-module", "set-misc-nginx-module",
        ):  # fmt: skip
            assert f" --add-module={name}" in last
        assert "http_proxy_module" not in last  # as where it is built in
        assert " --with-threads " in last
        assert " --with-http_ssl_module " in last
        assert " --without-http_fastcgi_module " in last

    def test_every_module_is_always_there_or_listed(self):
        always = {
            "core", "conf", "errlog", "openssl", "regex", "thread_pool", "events",
            "google_perftools", "mail", "stream", "http_core", "http_log",
            "http_index", "http_try_files", "http_headers_filter", "http_upstream",
        }  # fmt: skip
        # Those of OpenResty's bundle are not here yet.
        bundle = {module.name for module in bundled.MODULES}
        for module in MODULES:
            name = configure.short_name(module)
            listed = name in configure.OPTIONAL or name in configure.DEFAULT
            is_known = module.name in bundle or module.name in configure.ADDED
            plain = module.name.removeprefix("ngx_").removesuffix("_module")
            assert listed or is_known or plain in always, module.name

    @pytest.mark.parametrize("option", ["-h", "-?", "-hv", "-?q"])
    def test_help(self, run, option):
        code, out, err = run(option)
        assert (code, out) == (0, "")
        assert err.startswith("nginx version: nginx/")
        for name in (*(f"-{letter}" for letter in "?vVtTqspecg"), "--lenient", "--lua"):
            assert name in err.partition("Options:")[2]
        assert max(map(len, err.splitlines())) <= 80

    def test_with_a_test_it_goes_on(self, run, tmp_path):
        code, _, err = run("-v", "-t", "-p", tmp_path, "-e", "stderr")
        assert code == 1
        assert err.startswith("nginx version: ")
        assert err.endswith(f"{tmp_path}/conf/nginx.conf test failed\n")


class TestPlaces:
    def test_the_configuration_of_a_prefix(self, run, tmp_path):
        (tmp_path / "conf").mkdir()
        (tmp_path / "logs").mkdir()
        (tmp_path / "conf/nginx.conf").write_text("events {}")
        code, _, err = run("-t", "-p", tmp_path)
        assert (code, err.count(f"{tmp_path}/conf/nginx.conf")) == (0, 2)
        assert (tmp_path / "logs/error.log").exists()
        assert (tmp_path / "logs/nginx.pid").exists()

    def test_a_relative_prefix(self, run, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "x/logs").mkdir(parents=True)
        (tmp_path / "x/n.conf").write_text("events {}")
        code, _, err = run("-t", "-p", "x", "-c", "n.conf")
        assert (code, err.count(" x/n.conf ")) == (0, 2)

    def test_the_default_ones(self):
        assert nginx.PREFIX == "/usr/share/nginx/"
        assert nginx.CONF_PATH == "/etc/nginx/nginx.conf"


class TestOurOwn:
    def test_lenient(self, run, tmp_path):
        (tmp_path / "logs").mkdir()
        (tmp_path / "n.conf").write_text("events {} stream {}")
        options = ("-t", "-q", "-p", tmp_path, "-c", "n.conf")
        code, _, err = run(*options)
        assert code == 1
        assert "is not supported yet by resty-py" in err
        code, _, err = run(*options, "--lenient")
        assert code == 0
        assert err.startswith("nginx: [warn] ")

    @pytest.mark.parametrize("words", [["--lua", "lua54"], ["--lua=lua54"]])
    def test_lua(self, run, words):
        assert run(*words, "-v")[0] == 0

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--lua"], 'option "--lua" requires flavour'),
            (["--lua="], 'option "--lua" requires flavour'),
            (["--lua=lua60"], 'unknown Lua flavour "lua60" (choose from '),
            (["--lenient=1"], 'invalid option: "-"'),
            (["--luaj"], 'invalid option: "-"'),
        ],
    )
    def test_mistakes(self, run, words, said):
        code, out, err = run(*words)
        assert (code, out) == (1, "")
        assert err.startswith(f"nginx: {said}")
        assert err.count("\n") == 1


def test_the_other_command_tells_of_it(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "resty-py nginx -h" in capsys.readouterr().out


def test_a_port_in_use_is_no_mistake_for_a_test(run, tmp_path):
    (tmp_path / "logs").mkdir()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        conf = f"events {{}} http {{ server {{ listen 127.0.0.1:{port}; }} }}"
        (tmp_path / "n.conf").write_text(conf)
        assert run("-t", "-q", "-p", tmp_path, "-c", "n.conf") == (0, "", "")


def test_as_a_module(tmp_path):
    command = [sys.executable, "-m", "resty_py", "nginx", "-p", tmp_path, "-s", "x"]
    root = Path(cli.__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, 'nginx: invalid option: "-s x"\n')
