"""The command line of ``resty-py app.lua``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resty_py import __version__, cli, server
from resty_py.server.config import AppConfig, Limits
from resty_py.server.listeners import ListenError, parse_listen
from resty_py.vm import FLAVOURS, LuaError


@pytest.fixture
def app(tmp_path):
    path = tmp_path / "app.lua"
    path.write_text('ngx.say("hello")\n')
    return path


@pytest.fixture
def served(monkeypatch):
    """What serve_app was called with."""
    configs = []

    def serve(config):
        configs.append(config)
        return 0

    monkeypatch.setattr(server, "serve_app", serve, raising=False)
    return configs


@pytest.fixture
def run(served, capsys):
    """Run the command; return its exit code and what it said on stderr."""

    def run(*argv):
        code = cli.main([str(arg) for arg in argv])
        captured = capsys.readouterr()
        assert captured.out == ""
        return code, captured.err

    return run


@pytest.fixture
def configure(run, served, app):
    """Return the configuration that options make."""

    def configure(*options):
        assert run(app, *options) == (0, "")
        return served.pop()

    return configure


def assert_one_line(said):
    assert said.startswith("resty-py: ")
    assert said.count("\n") == 1
    assert said.endswith("\n")


class TestConfig:
    def test_defaults(self, configure, app):
        assert configure() == AppConfig(
            app=app,
            listen=(parse_listen("127.0.0.1:8080"),),
            flavour=None,
            path=(),
            root=app.parent,
            access_log=None,
            error_log=None,
            error_level="error",
            resolvers=(),
            limits=Limits(),
        )

    def test_everything(self, configure, app, tmp_path):
        for name in ("lib", "more", "root"):
            (tmp_path / name).mkdir()
        config = configure(
            "--listen", "*:8081", "--listen", "[::1]:8082", "--listen", "unix:/run/s",
            "--lua", "lua54",
            "-I", tmp_path / "lib", "-I", tmp_path / "more",
            "--root", tmp_path / "root",
            "--access-log", tmp_path / "a.log",
            "--error-log", f"{tmp_path}/e.log:info",
            "--resolver", "192.0.2.53", "--resolver", "[2001:db8::53]:5353",
            "--set", "client_max_body_size=2g", "--set", "send_timeout=500ms",
            "--shared-dict", "cache:10m", "--shared-dict", "locks:100k",
        )  # fmt: skip
        listen = ("*:8081", "[::1]:8082", "unix:/run/s")
        assert config == AppConfig(
            app=app,
            listen=tuple(map(parse_listen, listen)),
            flavour="lua54",
            path=(tmp_path / "lib", tmp_path / "more"),
            root=tmp_path / "root",
            access_log=tmp_path / "a.log",
            error_log=tmp_path / "e.log",
            error_level="info",
            resolvers=("192.0.2.53", "[2001:db8::53]:5353"),
            limits=Limits(client_max_body_size=2 * 1024**3, send_timeout=0.5),
            shared_dicts=(("cache", 10 << 20), ("locks", 100 << 10)),
        )

    @pytest.mark.parametrize(
        ("text", "path", "level"),
        [
            ("e.log", Path("e.log"), "error"),
            ("e.log:debug", Path("e.log"), "debug"),
            ("a:b.log:warn", Path("a:b.log"), "warn"),
            ("stderr", None, "error"),
            ("stderr:notice", None, "notice"),
            (":crit", None, "crit"),
        ],
    )
    def test_error_log(self, configure, text, path, level):
        config = configure("--error-log", text)
        assert (config.error_log, config.error_level) == (path, level)

    @pytest.mark.parametrize(
        ("text", "path"), [("off", None), ("-", Path("/dev/stdout")), ("x", Path("x"))]
    )
    def test_access_log(self, configure, text, path):
        assert configure("--access-log", text).access_log == path

    def test_workers(self, configure):
        assert configure("--workers", "3").workers == 3
        assert configure("--workers", "auto").workers == len(os.sched_getaffinity(0))

    def test_blocking_warning(self, configure):
        assert configure("--blocking-warning", "50").blocking_warning == 0.05

    @pytest.mark.parametrize("flavour", FLAVOURS)
    def test_flavours(self, configure, flavour):
        assert configure("--lua", flavour).flavour == flavour


class TestUsage:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--listen", "x:99999"], 'argument --listen: invalid port in "x:99999"'),
            (["--error-log", "e.log:loud"],
             'argument --error-log: invalid log level "loud"'),
            (["--resolver", "dns"], 'argument --resolver: invalid nameserver "dns"'),
            (["--root", "/nowhere"], "argument --root: /nowhere: no such directory"),
            (["-I", "/nowhere"], "argument -I: /nowhere: no such directory"),
            (["--shared-dict", "cache"],
             'argument --shared-dict: "cache" is not NAME:SIZE'),
            (["--shared-dict", ":1m"],
             'argument --shared-dict: invalid lua shared dict name ""'),
            (["--shared-dict", "cache:1k"],
             'argument --shared-dict: invalid lua shared dict size "1k"'),
            (["--workers", "0"], 'argument --workers: "0" is no number of workers'),
            (["--blocking-warning", "1s"],
             'argument --blocking-warning: "1s" is no number of milliseconds'),
            (["--bogus"], "unrecognized arguments: --bogus"),
            (["--list", "1"], "unrecognized arguments: --list 1"),
            (["--listen"], "argument --listen: expected one argument"),
        ],
    )  # fmt: skip
    def test_options(self, run, app, served, options, said):
        expected = f"resty-py: {said} (see resty-py --help)\n"
        assert run(app, *options) == (2, expected)
        assert served == []

    @pytest.mark.parametrize(
        ("setting", "said"),
        [
            ("nope=1", 'unknown setting "nope"'),
            ("keepalive_requests", '"keepalive_requests" is not NAME=VALUE'),
            ("keepalive_requests=x",
             'invalid value "x" in "keepalive_requests", it must be a number'),
        ],
    )  # fmt: skip
    def test_settings(self, run, app, setting, said):
        expected = f"resty-py: --set: {said} (see resty-py --settings)\n"
        assert run(app, "--set", setting) == (2, expected)

    def test_two_dictionaries_of_one_name(self, run, app, served):
        options = ["--shared-dict", "x:1m", "--shared-dict", "x:2m"]
        said = 'resty-py: --shared-dict: "x" is named twice\n'
        assert run(app, *options) == (2, said)
        assert served == []

    def test_no_folder_for_bodies(self, run, app, served, tmp_path):
        path = tmp_path / "none"
        said = f"--set: client_body_temp_path: {path}: no such directory"
        expected = (2, f"resty-py: {said}\n")
        assert run(app, "--set", f"client_body_temp_path={path}") == expected
        assert served == []

    def test_no_app(self, run):
        said = "the following arguments are required: app.lua (see resty-py --help)"
        assert run() == (2, f"resty-py: {said}\n")

    def test_missing_app(self, run):
        assert run("no/app.lua") == (2, "resty-py: no/app.lua: no such file\n")

    def test_folder(self, run, tmp_path):
        assert run(tmp_path) == (2, f"resty-py: {tmp_path}: not a file\n")

    def test_unknown_flavour(self, run, app):
        code, said = run(app, "--lua", "lua60")
        assert code == 2
        assert said.startswith('resty-py: unknown Lua flavour "lua60" (choose from lua')

    @pytest.mark.parametrize("flavour", FLAVOURS)
    def test_syntax_error(self, run, app, served, flavour):
        app.write_text("local x =\n")
        code, said = run(app, "--lua", flavour)
        assert code == 2
        assert_one_line(said)
        # The text is Lua's own, which shortens long paths to their end.
        assert "app.lua:" in said
        assert "near" in said
        assert served == []

    def test_app_is_not_run(self, run, app):
        app.write_text('error("running")\n')
        assert run(app) == (0, "")


class TestFailures:
    @pytest.mark.parametrize(
        ("failure", "said"),
        [
            (ListenError("bind() to 0.0.0.0:80 failed (13: Permission denied)"),
             "bind() to 0.0.0.0:80 failed (13: Permission denied)"),
            (FileNotFoundError(2, "No such file or directory", "/x/error.log"),
             "/x/error.log: No such file or directory"),
            (OSError(24, "Too many open files"), "Too many open files"),
            (LuaError("app.lua:1: no module:\n\tsearched"), "app.lua:1: no module"),
        ],
    )  # fmt: skip
    def test_one_line_and_1(self, run, app, monkeypatch, failure, said):
        self.fail_with(monkeypatch, failure)
        assert run(app) == (1, f"resty-py: {said}\n")

    def test_a_line_for_each_of_a_group(self, run, app, monkeypatch):
        inner = ExceptionGroup("inner", [ListenError("one"), LuaError("two")])
        self.fail_with(monkeypatch, ExceptionGroup("outer", [inner, OSError("three")]))
        said = "resty-py: one\nresty-py: two\nresty-py: three\n"
        assert run(app) == (1, said)

    def test_defects_keep_their_traceback(self, run, app, monkeypatch):
        self.fail_with(monkeypatch, TypeError("a defect"))
        with pytest.raises(TypeError):
            run(app)

    def test_interrupted(self, run, app, monkeypatch):
        self.fail_with(monkeypatch, KeyboardInterrupt())
        assert run(app) == (130, "")

    def test_unreadable_app(self, run, app, monkeypatch):
        monkeypatch.setattr(Path, "read_bytes", refuse_only(app, Path.read_bytes))
        assert run(app) == (1, f"resty-py: {app}: Permission denied\n")

    def fail_with(self, monkeypatch, failure):
        def serve_app(config):
            raise failure

        monkeypatch.setattr(server, "serve_app", serve_app, raising=False)


def refuse_only(refused, read_bytes):
    def read(path):
        if path == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    return read


class TestHelp:
    @pytest.fixture
    def read(self, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")
        return lambda option: self.read_output(capsys, option)

    def read_output(self, capsys, option):
        with pytest.raises(SystemExit) as caught:
            cli.main([option])
        captured = capsys.readouterr()
        assert (caught.value.code, captured.err) == (0, "")
        return captured.out

    @pytest.mark.parametrize("option", ["-h", "--help"])
    def test_help_shows_every_option_and_examples(self, read, option):
        text = read(option)
        for name in ("app.lua", "--listen", "--lua", "-I", "--root", "--access-log",
                     "--error-log", "--resolver", "--set", "--settings", "--version",
                     "examples:", "127.0.0.1:8080", *FLAVOURS):  # fmt: skip
            assert name in text
        assert max(map(len, text.splitlines())) <= 80

    def test_version(self, read):
        assert read("--version").startswith(f"resty-py {__version__} (")

    def test_settings_lists_every_limit(self, read):
        lines = read("--settings").splitlines()
        rows = [line.split(maxsplit=1)[0] for line in lines]
        assert rows == [setting.name for setting in Limits.settings()]
        assert "large_client_header_buffers" in rows

    def test_python_m(self, tmp_path):
        command = [sys.executable, "-m", "resty_py", tmp_path / "missing.lua"]
        root = Path(cli.__file__).parents[2]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        assert done.returncode == 2
        assert done.stderr == f"resty-py: {tmp_path}/missing.lua: no such file\n"
