"""What the bench reads: wrk's output, and the kernel's line on a process."""

import pytest

from bench.load import WrkOutput, parse_wrk
from bench.process import BenchError, Stat, parse_stat

# Printed by wrk 4.1.0.
GOOD = """\
Running 5s test @ http://127.0.0.1:43215/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   624.32us  222.12us   7.64ms   93.19%
    Req/Sec   101.94k     3.57k  107.43k    84.00%
  Latency Distribution
     50%  604.00us
     75%  638.00us
     90%  686.00us
     99%    1.77ms
  507013 requests in 5.01s, 78.33MB read
Requests/sec: 101154.21
Transfer/sec:     15.63MB
"""

ERRORS = """\
  Socket errors: connect 0, read 12, write 0, timeout 3
"""

STATUSES = """\
  Non-2xx or 3xx responses: 5
"""


def test_a_run_without_trouble():
    assert parse_wrk(GOOD) == WrkOutput(requests=507013, rps=101154.21, p99_ms=1.77)


@pytest.mark.parametrize(
    ("printed", "milliseconds"),
    [("99%  980.00us", 0.98), ("99%    1.20s ", 1200.0), ("99%    1.50m ", 90_000.0)],
)
def test_p99_in_every_unit(printed, milliseconds):
    output = GOOD.replace("99%    1.77ms", printed.rstrip())
    assert parse_wrk(output).p99_ms == pytest.approx(milliseconds)


@pytest.mark.parametrize("trouble", [ERRORS, STATUSES])
def test_trouble_spoils_a_run(trouble):
    output = GOOD.replace("Requests/sec", f"{trouble}Requests/sec")
    with pytest.raises(BenchError, match=f"wrk says: {trouble.split(':')[0].strip()}"):
        parse_wrk(output)


def test_a_run_without_requests_is_none():
    with pytest.raises(BenchError, match="no request was finished"):
        parse_wrk(GOOD.replace("507013", "0"))


def test_a_refused_connection():
    with pytest.raises(BenchError, match="unable to connect"):
        parse_wrk("unable to connect to 127.0.0.1:9 Connection refused\n")


# proc(5): pid, name, state, parent, eight fields more until utime, stime,
# cutime and cstime, which are the 14th to the 17th.
STAT = "77 ({}) S 42 77 77 0 -1 4194304 1711 0 0 0 250 130 7 3 20 0 1 0 9281 0 0"


@pytest.mark.parametrize("name", ["nginx", "a b", "a) R 1 (b"])
def test_parent_and_ticks_of_a_process(name):
    assert parse_stat(STAT.format(name)) == Stat(parent=42, ticks=250 + 130 + 7 + 3)
