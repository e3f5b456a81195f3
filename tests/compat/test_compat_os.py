"""os.execute's results (the Lua 5.2 manual) and os.exit."""

import subprocess
import sys

import pytest

from resty_py.vm import FLAVOURS


@pytest.mark.parametrize(
    ("command", "result"),
    [
        (b"exit 0", (True, b"exit", 0)),
        (b"exit 3", (None, b"exit", 3)),
        (b"kill -9 $$", (None, b"signal", 9)),
    ],
)
def test_execute(vm, command, result):
    assert vm.run(b"return os.execute(...)", command) == result


def test_execute_without_a_command_finds_a_shell(vm):
    assert vm.run(b"return os.execute()") is True


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(("code", "status"), [("true", 0), ("false", 1), ("7", 7)])
def test_exit(flavour, code, status):
    program = f"from resty_py.vm import VM; VM({flavour!r}).run(b'os.exit({code})')"
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == status
