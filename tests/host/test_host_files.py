"""Files of request bodies."""

import os
import stat

import pytest

from resty_py.host import files
from resty_py.vm import HostError


def test_a_temporary_file_is_new_and_ours_alone(tmp_path):
    folder = os.fsencode(tmp_path)
    fd, path = files.create_temporary(folder)
    other, other_path = files.create_temporary(folder)
    try:
        assert os.path.dirname(path) == folder
        assert path != other_path
        assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o600
        assert not os.get_inheritable(fd)
    finally:
        files.close(fd)
        files.close(other)


def test_no_folder_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.create_temporary(os.fsencode(tmp_path / "none"))


def test_all_of_the_data_is_written(tmp_path):
    fd, path = files.create_temporary(os.fsencode(tmp_path))
    data = bytes(range(256)) * 10000
    assert files.write(fd, data) is True
    files.write(fd, b"")
    files.write(fd, b"end")
    files.close(fd)
    assert (tmp_path / os.fsdecode(path)).read_bytes() == data + b"end"
    assert files.size(path) == len(data) + 3


def test_a_full_device_is_an_error_of_the_system():
    fd = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            files.write(fd, b"x")
    finally:
        files.close(fd)


def test_removing_is_done_once_and_may_be_asked_again(tmp_path):
    fd, path = files.create_temporary(os.fsencode(tmp_path))
    files.close(fd)
    assert files.remove(path) is True
    assert files.remove(path) is True
    assert list(tmp_path.iterdir()) == []


def test_a_folder_cannot_be_removed(tmp_path):
    with pytest.raises(OSError, match=r"directory|permitted"):
        files.remove(os.fsencode(tmp_path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (b"none", r'^stat\(\) ".*none" failed$'),
        (b"nul\0", r'^stat\(\) ".*" failed$'),
        (b"", "^not a regular file"),
    ],
)
def test_size_says_what_failed(tmp_path, name, message):
    with pytest.raises(HostError, match=message):
        files.size(os.path.join(os.fsencode(tmp_path), name))


def test_a_pipe_is_no_body(tmp_path):
    path = os.fsencode(tmp_path / "pipe")
    os.mkfifo(path)
    with pytest.raises(HostError, match=r"^not a regular file"):
        files.size(path)


def test_functions_are_what_lua_calls():
    assert set(files.functions()) == {
        "create_temporary",
        "write",
        "close",
        "remove",
        "size",
    }
