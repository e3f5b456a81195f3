"""One corpus of request heads through the fast path, h11 and the real nginx.

Status, meaning and words are nginx's, but for two tables. STRICTER: h11 is the
authority (DESIGN rule 5), so what it refuses is refused, though nginx takes it.
LOOSER: what we take as nginx does, though h11 refuses it or reads it otherwise.
"""

import re

import h11
import pytest
from head_corpus import LIMITS, SERVERS, Shape, settings, shapes, sizes, small_buffers
from head_corpus import sweeps as byte_sweeps
from head_probe import Outcome, Reader
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from nginx_peer import Answer, Echo, client_lines, running_nginx

from resty_py.vm import FLAVOURS

#: Why we refuse, with 400, what nginx takes; all but the last by h11.
STRICTER = {
    "spaces": "RFC 9112 3: single spaces in the request line, none at its end",
    "version": "RFC 9112 2.3: a version has two digits",
    "no colon": "RFC 9112 5: a header line has a colon; nginx reads a name",
    "CR CR": "RFC 9112 2.2: one CR before the LF; nginx skips more",
    "control": "VT and FF in a value are whitespace to some and text to others",
    "long length": "a Content-Length of more than 20 digits, if only zeros",
    "not a token": "RFC 9110 5.1: with ignore_invalid_headers off nginx keeps any name",
    "empty lines": "RFC 9112 2.2: at least one is ignored; 1024 bytes are enough",
}

#: What h11 alone would refuse, and why we follow nginx.
LOOSER = {
    "HTTP/0.9": (
        b"GET /\r\n\r\n",
        "health checks and `nc` speak it; it has no headers to disagree on",
    ),
    "empty lines": (
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "RFC 9112 2.2: a server SHOULD ignore one; nginx ignores any number",
    ),
    "high bytes": (
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
        "curl and scripts send targets unescaped; it moves no boundary",
    ),
    "dropped names": (
        b"GET / HTTP/1.1\r\nHost: a\r\nA(B): c\r\n\r\n",
        "nginx drops lines with uncommon names, so nobody can be misled by them",
    ),
}

#: h11 strips tabs around a value. nginx keeps them, so a framing header with
#: one is invalid for nginx; we keep them too, and refuse what it refuses.
TABBED = b"GET / HTTP/1.1\r\nHost: a\r\nA:\tb\t\r\n\r\n"

GROUPS = {
    "shapes": shapes,
    "sweeps": lambda: list(byte_sweeps()),
    "sizes": lambda: list(sizes()) + list(small_buffers()),
    "settings": lambda: list(settings()),
}


@pytest.fixture(scope="module")
def answers():
    """Ask the real nginx once; one answer for each shape of each group."""
    with running_nginx(SERVERS) as peer:
        yield {
            group: [(shape, peer.ask(shape.data, shape.server)) for shape in make()]
            for group, make in GROUPS.items()
        }


@pytest.fixture(scope="module", params=FLAVOURS)
def readers(request):
    """Return a Reader per nginx server, with the same limits."""
    return {name: Reader(request.param, **limits) for name, limits in LIMITS.items()}


def is_about_values(log_line: bytes, reason: bytes) -> bool:
    """Compare what is logged; nginx ends names and values with NUL in place."""
    return len(log_line) == len(reason) and all(
        theirs in (0, ours) for theirs, ours in zip(log_line, reason, strict=True)
    )


def refusal_mismatch(outcome: Outcome, answer: Answer) -> object:
    lines = client_lines(answer.log)
    if not any(is_about_values(line, outcome.reason or b"") for line in lines):
        return ("reason", outcome.reason, lines)
    return None


def raw_is_comparable(outcome: Outcome, data: bytes) -> bool:
    """Leave out where ngx.req.raw_header answers other bytes than were sent."""
    raw = outcome.values["raw"]
    bare = raw.replace(b"\r\n", b"")
    spaced = b" \r\n" in raw
    return outcome.values["version"] != b"9" and b"\n" not in bare and not spaced


def value_mismatch(outcome: Outcome, echo: Echo, data: bytes) -> object:
    ours, theirs = outcome.values, echo.values
    pairs = {name: (ours.get(name), theirs.get(name)) for name in ("uri", "args")}
    pairs |= {name: (ours[name], theirs[name]) for name in ("method", "request_uri")}
    pairs["request"] = (ours["request_line"], theirs["request"])
    pairs["host"] = (ours.get("host", b""), theirs["host"])
    pairs["keepalive"] = (ours["keepalive"] == b"true", echo.keepalive)
    pairs["headers"] = (outcome.by_name(), echo.headers)
    if raw_is_comparable(outcome, data):
        pairs["raw"] = (ours["raw"], theirs["raw"])
    if length := ours.get("content_length"):
        begin = int(ours["next"]) - 1
        pairs["body"] = (data[begin:][: int(length)], theirs["body"])
    different = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    return different or None


def note_mismatch(outcome: Outcome, answer: Answer) -> object:
    logged = [
        line
        for line in client_lines(answer.log)
        if line.startswith(b"client sent") and b"pipelined" not in line
    ]
    return None if logged == outcome.notes else ("notes", outcome.notes, logged)


def awaits_body(outcome: Outcome) -> bool:
    """Whether nginx still waited for a body that the shape does not have."""
    return outcome.status == 200 and float(outcome.values.get("content_length", 0)) > 10


def mismatch(shape: Shape, outcome: Outcome, answer: Answer) -> object:
    if shape.differs:
        expected = (400, 200)
        actual = (outcome.status, answer.status)
        return None if actual == expected else (shape.differs, actual, outcome.reason)
    if outcome.refused == b"again" or awaits_body(outcome):
        return None if answer.status is None else ("incomplete", answer.status)
    if outcome.status != answer.status:
        return ("status", outcome.status, answer.status, outcome.reason, answer.log)
    if outcome.refused:
        return refusal_mismatch(outcome, answer)
    return value_mismatch(outcome, answer.echoes[0], shape.data) or note_mismatch(
        outcome, answer
    )


@pytest.mark.parametrize("group", GROUPS)
def test_agrees_with_the_real_nginx(readers, answers, group):
    found = {}
    for shape, answer in answers[group]:
        outcome = readers[shape.server].read(shape.data)
        if (problem := mismatch(shape, outcome, answer)) is not None:
            found[shape.server, shape.name] = problem
    assert found == {}


@pytest.mark.parametrize("group", GROUPS)
def test_both_readers_agree(readers, group):
    found = {}
    for shape in GROUPS[group]():
        reader = readers[shape.server]
        twin = reader.twin(shape.data)
        outcome = reader.read(shape.data)
        if twin.refused != b"again" and twin.meaning() != outcome.meaning():
            found[shape.server, shape.name] = (outcome, twin)
    assert found == {}


def test_the_corpus_is_large_and_uses_its_tables():
    every = [shape for make in GROUPS.values() for shape in make()]
    assert len({(shape.server, shape.data) for shape in every}) > 1500
    assert {shape.differs for shape in every} - {None} == set(STRICTER)


def judge(data: bytes) -> h11.Request | None:
    """Return h11's reading of *data* by itself, or None where it refuses."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    return event if isinstance(event, h11.Request) else None


@pytest.mark.parametrize("name", LOOSER)
def test_h11_alone_refuses_what_is_taken_for_the_sake_of_nginx(readers, name):
    data = LOOSER[name][0]
    assert judge(data) is None
    assert readers["default"].read(data).status == 200


def test_tabs_around_a_value_are_kept(readers):
    assert (b"a", b"b") in [
        (name.lower(), value) for name, value in judge(TABBED).headers
    ]
    assert readers["default"].read(TABBED).fields[1] == (b"A", b"\tb\t")


# Property: all that the fast path takes, h11 takes with the same meaning.

WORDS = st.sampled_from(
    [
        b"GET", b"POST", b"get", b"/", b"/a/../b", b"/a?b=c#d", b"http://h:1/", b"*",
        b" ", b"  ", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"\r\n", b"\n",
        b"\r", b"\r\n\r\n", b"Host: a", b"host:b", b"Content-Length: 5",
        b"content-length: 05", b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: Chunked", b"Expect: 100-continue", b"Connection: close",
        b"Connection: keep-alive", b"A: b", b"A:  b  ", b"A:", b"A", b"A_B: c",
        b"A!: c", b":", b"\t", b"\x00", b"\x0b", b"\xc3\xa9", b"a", b",", b"1",
    ]
)  # fmt: skip
SOUP = st.lists(WORDS, max_size=20).map(b"".join)
FIELD = st.builds(
    lambda name, gap, value: name + b":" + gap + value + b"\r\n",
    st.from_regex(rb"\A[A-Za-z0-9_!-]{1,8}\Z"),
    st.sampled_from([b"", b" ", b"  ", b"\t"]),
    st.binary(max_size=12).map(lambda value: value.replace(b"\n", b"")),
)
SPECIAL = st.sampled_from(
    [b"Host: a\r\n", b"Content-Length: 7\r\n", b"Transfer-Encoding: chunked\r\n"]
)
ALMOST = st.builds(
    lambda method, target, version, fields: (
        b"%b %b HTTP/%b\r\nHost: h\r\n%b\r\n"
        % (method, target, version, b"".join(fields))
    ),
    st.sampled_from([b"GET", b"POST", b"X-Y", b"TRACE"]),
    st.from_regex(rb"\A/[!-~\x80-\xff]{0,12}\Z"),
    st.sampled_from([b"1.1", b"1.0", b"1.5"]),
    st.lists(FIELD | SPECIAL, max_size=6),
)


#: Names of lines that are not dropped, and what stands for none.
_PLAIN_NAME = re.compile(rb"[A-Za-z0-9-]+|\s*")


def kept_lines(data: bytes, notes: list[bytes]) -> bytes:
    """Return *data* without empty lines before it and without dropped lines."""
    data = data.lstrip(b"\r\n")
    first, _, rest = data.partition(b"\n")
    lines = rest.split(b"\n")
    dropped = len(notes)
    kept = []
    for line in lines:
        name = line.partition(b":")[0]
        if dropped and not _PLAIN_NAME.fullmatch(name):
            dropped -= 1
        else:
            kept.append(line)
    return first + b"\n" + b"\n".join(kept)


@pytest.fixture(scope="module", params=FLAVOURS)
def reader(request):
    return Reader(request.param)


@hypothesis_settings(max_examples=150, deadline=None)
@given(data=ALMOST | SOUP)
@example(data=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
@example(data=b"\r\nGET / HTTP/1.0\nA_B: c\nC: d\n\n")
@example(data=b"GET / HTTP/1.1\r\nHost: h\r\n!:\r\n-:\r\n!:\r\n\r\n")
def test_h11_takes_all_that_the_fast_path_takes(reader, data):
    outcome = reader.fast(data)
    if outcome.refused or outcome.values["version"] == b"9":
        return
    request = judge(kept_lines(data, outcome.notes))
    assert request is not None
    assert request.method == outcome.values["method"]
    assert request.target == outcome.values["target"]
    assert b"HTTP/" + request.http_version in outcome.values["request_line"]
    # h11 puts the value of Transfer-Encoding in lower case.
    ours = [
        (name, value.lower() if name.lower() == b"transfer-encoding" else value)
        for name, value in outcome.fields
    ]
    assert request.headers.raw_items() == ours


@hypothesis_settings(max_examples=150, deadline=None)
@given(data=ALMOST | SOUP)
def test_the_readers_agree_on_anything(reader, data):
    outcome, twin = reader.read(data), reader.twin(data)
    if b"again" not in (outcome.refused, twin.refused):
        assert twin.meaning() == outcome.meaning()


@hypothesis_settings(max_examples=100, deadline=None)
@given(data=(ALMOST | SOUP).filter(bool), step=st.integers(1, 7))
def test_pieces_make_no_difference(reader, data, step):
    assert reader.grow(data, step).meaning() == reader.fast(data).meaning()
