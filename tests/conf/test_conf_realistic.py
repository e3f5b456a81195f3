"""Real-life configurations load, and however they are broken, one line says so."""

import re
import socket

import pytest
from broken_conf import broken, changes_of
from conf_realistic import CONFIGURATIONS, FILES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nginx_check import Checker
from real_nginx import require_nginx

from resty_py.conf.errors import ConfError
from resty_py.conf.loader import load


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("realistic")
    (folder / "logs").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(autouse=True, scope="module")
def no_name_servers():
    def fail(*_, **__):
        raise socket.gaierror

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", fail)
        yield


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_they_load(folder, text):
    path = folder / "nginx.conf"
    path.write_text(text)
    config = load(path, folder)
    assert config.notices == ()
    assert config.http.servers


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_nginx_loads_them(folder, text):
    checker = Checker(folder, require_nginx())
    text = re.sub(r"^pid .*", "", text, flags=re.M)  # the checker has its own
    # The Lua files are not there, and this is not about them.
    checker.write(re.sub(r"^ *init_worker_by_lua_file .*", "", text, flags=re.M))
    assert checker.nginx() == checker.ours() == (True, [])


def load_or_complain(path, lenient):
    line = "nginx: [emerg] none"
    try:
        load(path, path.parent, lenient=lenient)
    except ConfError as exc:
        line = str(exc)
    assert re.fullmatch(r"nginx: \[(emerg|crit|error)\] \S[^\n]*", line)


@settings(
    max_examples=400,
    deadline=2000,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(CONFIGURATIONS),
    changes_of(CONFIGURATIONS, most=6),
    st.booleans(),
)
def test_mutations(folder, text, changes, lenient):
    path = folder / "nginx.conf"
    path.write_text(broken(text, changes))
    load_or_complain(path, lenient)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(CONFIGURATIONS), st.integers(0, 10**6), st.binary(max_size=8))
def test_bytes(folder, text, place, junk):
    data = text.encode()
    at = place % len(data)
    path = folder / "nginx.conf"
    path.write_bytes(data[:at] + junk + data[at + len(junk) :])
    load_or_complain(path, lenient=False)
