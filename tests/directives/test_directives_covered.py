"""Every directive that is supported has a case somewhere, and every variable."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

from directive_pair import Pair

from resty_py.conf.modules import MODULES
from resty_py.conf.table import Status
from resty_py.conf.variables import BUILTIN, CHANGEABLE

HERE = Path(__file__).parent
TESTS = HERE.parent

#: Tests that try a directive by other means, since it is about the process.
ELSEWHERE = {
    "daemon": "server/test_process.py",
    "master_process": "cli/test_cli_nginx_harness.py",
    "pid": "cli/test_cli_nginx.py",
    "error_log": "cli/test_cli_nginx.py",
    "worker_shutdown_timeout": "server/test_process.py",
    "worker_processes": "server/test_master.py",
    "user": "server/test_master.py",
    "worker_priority": "server/test_master.py",
    "worker_cpu_affinity": "server/test_master.py",
    "worker_patience": "server/test_master.py",
    "worker_blocking_warning": "server/test_master.py",
    "lua_sa_restart": "server/test_master.py",
}

#: What directives of TLS begin with, and where they are tried.
TLS = ("ssl_", "lua_ssl_")
TLS_TESTS = "tls/*.py"

#: The modules that have test files of their own, by the name of the file.
OF_MODULES = {
    "ngx_http_headers_filter_module": "test_headers",
    "ngx_http_echo_module": "test_echo",
    "ngx_http_headers_more_filter_module": "test_headers_more",
    "ngx_http_set_misc_module": "test_set_misc_directives",
}


def load(name: str, folder: Path):
    """Return a test module, which pytest may have imported already."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return importlib.import_module(name)


def pairs_of(module):
    """Yield the pairs of a test module."""
    for value in vars(module).values():
        if isinstance(value, Pair):
            yield value
        elif isinstance(value, dict):
            yield from (one for one in value.values() if isinstance(one, Pair))


def text_here() -> str:
    """Return the configurations of all cases of this folder."""
    names = sorted(path.stem for path in HERE.glob("test_directives_*.py"))
    modules = [load(name, HERE) for name in names if name != "test_directives_covered"]
    return "\n".join(pair.text for module in modules for pair in pairs_of(module))


def text_of_module(name: str) -> str:
    """Return the configurations of all cases of a test file of a module."""
    module = load(OF_MODULES[name], TESTS / "modules")
    tables = [value for value in vars(module).values() if isinstance(value, dict)]
    cases = [case for table in tables for case in table.values()]
    return "\n".join(case.conf for case in cases if hasattr(case, "conf"))


def supported():
    """Yield module and name of each directive that does something."""
    for module in MODULES:
        for command in module.commands:
            if command.status is Status.SUPPORTED:
                yield module.name, command.name


def stands_in(name: str, text: str) -> bool:
    """Tell whether a directive begins a statement of a configuration."""
    return re.search(rf"(?:^|[;{{}}\s]){re.escape(name)}[\s;{{]", text) is not None


def is_covered(module: str, name: str, here: str) -> bool:
    if module in OF_MODULES:
        return stands_in(name, text_of_module(module))
    if stands_in(name, here):
        return True
    if name.startswith(TLS):
        texts = (path.read_text() for path in TESTS.glob(TLS_TESTS))
        return any(stands_in(name, text) for text in texts)
    return name in ELSEWHERE and name in (TESTS / ELSEWHERE[name]).read_text()


#: These are what every case is written into.
FRAME = {"http", "server", "include"}


def test_every_supported_directive_has_a_case():
    here = text_here()
    missing = [
        name
        for module, name in supported()
        if name not in FRAME and not is_covered(module, name, here)
    ]
    assert missing == []


def test_every_variable_has_a_case():
    cases = load("test_directives_variables", HERE).CASES
    assert [name for name in BUILTIN | CHANGEABLE if name not in cases] == []
