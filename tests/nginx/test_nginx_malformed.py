"""However the ten applications' files are broken: they load, or one line says why.

Most files are broken in this process and only read; some are given to the
command, which must then serve, or end with that line and leave nothing behind.
"""

import re
import signal
import socket
import subprocess
import time

import pytest
from broken_conf import broken, changes_of
from differential import short_folder
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from nginx_pair import APPS, PATIENCE, copy_app, free_ports, our_command, ports_of

from resty_py.conf.errors import ConfError
from resty_py.conf.loader import load
from resty_py.conf.program import compile_program

NAMES = sorted(path.name for path in APPS.iterdir())

#: How often each application is broken: 2,000 times altogether.
TIMES = 200

#: How many broken files are given to the command.
COMMANDS = 20

FILES = {
    name: {
        str(path.relative_to(APPS / name)): path.read_text()
        for path in sorted((APPS / name / "conf").rglob("*"))
        if path.is_file()
    }
    for name in NAMES
}
CHANGES = changes_of((text for files in FILES.values() for text in files.values()), 4)


@pytest.fixture(scope="module")
def prefixes(tmp_path_factory):
    """Return the folders of all applications, to be broken."""
    home = tmp_path_factory.mktemp("malformed")
    for name in NAMES:
        copy_app(name, home / name, {port: int(port) for port in ports_of(name)})
    return home


@pytest.fixture(autouse=True, scope="module")
def no_name_servers():
    def fail(*_, **__):
        raise socket.gaierror

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", fail)
        yield


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), changes=CHANGES, lenient=st.booleans())
def test_broken_files_load_or_one_line_says_why(name, prefixes, data, changes, lenient):
    file = data.draw(st.sampled_from(sorted(FILES[name])))
    path = prefixes / name / file
    path.write_text(broken(FILES[name][file], changes))
    said = "nginx: [emerg] nothing"
    try:
        compile_program(load("conf/nginx.conf", prefixes / name, lenient=lenient))
    except ConfError as exc:
        said = str(exc)
    finally:
        path.write_text(FILES[name][file])
    assert re.fullmatch(r"nginx: \[(emerg|crit|error)\] \S[^\n]*", said)


SEVERE = re.compile(
    r"^(?:nginx: |\d{4}/\d\d/\d\d [\d:]{8} (?=\[))\[(?:emerg|crit|error)\] "
    r"(?:\d+#\d+: )?(.+)$",
    re.MULTILINE,
)


def run(prefix, *options):
    """Run the command until it ends, or serves and is told to end."""
    process = subprocess.Popen(
        our_command(prefix, *options),
        cwd=prefix,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if not options and (prefix / "logs/nginx.pid").exists():
            process.send_signal(signal.SIGQUIT)
            break
        time.sleep(0.01)
    try:
        said = process.communicate(timeout=PATIENCE)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"it did not end: {process.communicate()[1]}")
    return process.returncode, said


@settings(
    max_examples=COMMANDS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(name=st.sampled_from(NAMES), changes=CHANGES, tests=st.booleans())
def test_the_command_serves_or_one_line_says_why_not(name, changes, tests):
    text = broken(FILES[name]["conf/nginx.conf"], changes)
    # Where its pid file is tells when it serves.
    assume(text.count("logs/nginx.pid;") == 1)
    with short_folder() as folder, free_ports(ports_of(name)) as ports:
        prefix = folder / name
        copy_app(name, prefix, ports)
        text = re.sub(r"\b808\d\b", lambda m: str(ports.get(m[0].encode(), 0)), text)
        (prefix / "conf/nginx.conf").write_text(text)
        code, said = run(prefix, *(["-t"] if tests else []))
        complaints = set(SEVERE.findall(said))
        assert "Traceback" not in said
        assert (code, len(complaints)) in ((0, 0), (1, 1)), said
        if not tests:
            assert not (prefix / "logs/nginx.pid").exists()
