"""Ports that blocks name: which they are, and who waits for whom."""

from __future__ import annotations

import threading

import pytest
from testing_suite import block_of

from resty_py.testing.ports import Ports, ports_of


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ("--- config\nlocation / { return 200; }\n", set()),
        ("--- http_config\nserver { listen 12345; }\n", {12345}),
        ("--- http_config\nserver { listen 127.0.0.2:8091 ssl; }\n", {8091}),
        ("--- http_config\nserver { listen [::1]:8092; }\n", {8092}),
        ("--- http_config\nserver { listen unix:/a.sock; }\n", set()),
        ("--- config\nlisten 1;\n--- tcp_listen: 2\n--- udp_listen: 3\n", {1, 2, 3}),
        ("--- config\n--- tcp_listen: /some.sock\n", set()),
    ],
)
def test_ports_that_a_block_names(tmp_path, sections, expected):
    assert ports_of(block_of(tmp_path, sections)) == expected


def test_those_that_share_a_port_take_turns():
    ports, log = Ports(), []
    is_held = threading.Event()

    def other():
        with ports.hold({1}):
            log.append("other")

    def stranger():
        with ports.hold({2}):
            is_held.set()

    with ports.hold({1, 3}):
        threads = [threading.Thread(target=run) for run in (other, stranger)]
        for thread in threads:
            thread.start()
        assert is_held.wait(10)
        log.append("first")
    for thread in threads:
        thread.join()
    assert log == ["first", "other"]
