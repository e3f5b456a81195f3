"""The filters for conditional requests and ranges, on every flavour."""

import pytest
from lua_worker import VARIANTS
from static_vm import MTIME, TIME, static_vm

ETAG = '"6553f100-a"'
LATER = "Tue, 14 Nov 2023 22:13:21 GMT"
EARLIER = "Tue, 14 Nov 2023 22:13:19 GMT"


@pytest.fixture(params=VARIANTS, ids=str)
def vm(request):
    return static_vm(request.param)


# Conditions ------------------------------------------------------------------


def status(vm, headers, *out, **given):
    """The status that is answered with; what is left of the response is checked."""
    given = {"content_length": 10, "content_type": "text/html"} | given
    given.setdefault("last_modified", MTIME)
    out = out or ("ETag", ETAG)
    answer = vm.filter("not_modified", headers, *out, **given)
    if answer.status == 304:
        assert (answer.content_length, answer.content_type) == (None, "")
        assert answer.allow_ranges is False
    elif answer.code == 412:
        assert (answer.content_length, answer.last_modified) == (None, None)
        assert answer.headers == []
    else:
        assert answer.status == given.get("status", 200)
        assert answer.content_length == 10
    return answer.code or answer.status


def test_a_plain_request(vm):
    assert status(vm, {"Accept": "*/*"}) == 200


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (TIME, 304),
        (LATER, 200),
        (EARLIER, 200),
        ("Tuesday, 14-Nov-23 22:13:20 GMT", 304),
        ("Tue Nov 14 22:13:20 2023", 304),
        ("junk", 200),
    ],
)
def test_if_modified_since(vm, value, code):
    assert status(vm, {"If-Modified-Since": value}) == code


@pytest.mark.parametrize(
    ("rule", "value", "code"),
    [
        ("before", LATER, 304),
        ("before", TIME, 304),
        ("before", EARLIER, 200),
        ("before", "junk", 200),
        ("off", TIME, 200),
    ],
)
def test_the_if_modified_since_directive(vm, rule, value, code):
    settings = {"if_modified_since": rule}
    assert status(vm, {"If-Modified-Since": value}, settings=settings) == code


@pytest.mark.parametrize(
    ("value", "code"), [(TIME, 200), (LATER, 200), (EARLIER, 412), ("junk", 412)]
)
def test_if_unmodified_since(vm, value, code):
    assert status(vm, {"If-Unmodified-Since": value}) == code


@pytest.mark.parametrize(
    ("etag", "value", "none_match", "match"),
    [
        (ETAG, ETAG, 304, 200),
        (ETAG, "*", 304, 200),
        (ETAG, '"x"', 200, 412),
        (ETAG, f"W/{ETAG}", 304, 412),
        (ETAG, f'"x", {ETAG}', 304, 200),
        (ETAG, f'"x",W/{ETAG} \t, "y"', 304, 412),
        (ETAG, f',, "x" , {ETAG}', 304, 200),
        (ETAG, f"{ETAG}x", 200, 412),
        (ETAG, f"{ETAG} x", 200, 412),
        (ETAG, ETAG[:-1], 200, 412),
        (ETAG, "W/", 200, 412),
        (ETAG, "", 200, 412),
        (ETAG, ",", 200, 412),
        (f"W/{ETAG}", ETAG, 304, 412),
        (f"W/{ETAG}", f"W/{ETAG}", 304, 200),
        ("W/", "W/", 304, 200),
        ("bare", "bare", 304, 200),
    ],
)
def test_etags(vm, etag, value, none_match, match):
    assert status(vm, {"If-None-Match": value}, "ETag", etag) == none_match
    assert status(vm, {"If-Match": value}, "ETag", etag) == match


def test_without_an_etag(vm):
    assert status(vm, {"If-None-Match": ETAG}, "X", "y") == 200
    assert status(vm, {"If-None-Match": "*"}, "X", "y") == 304
    assert status(vm, {"If-Match": ETAG}, "X", "y") == 412
    assert status(vm, {"If-Match": "*"}, "X", "y") == 200


def test_the_last_etag_counts(vm):
    out = ("ETag", '"x"', "ETag", ETAG)
    assert status(vm, {"If-None-Match": ETAG}, *out) == 304
    assert status(vm, {"If-None-Match": '"x"'}, *out) == 200


def test_without_a_time(vm):
    given = {"last_modified": None}
    assert status(vm, {"If-Modified-Since": TIME}, **given) == 200
    assert status(vm, {"If-Unmodified-Since": TIME}, **given) == 412


def test_a_time_that_lua_sets(vm):
    given = {"last_modified": 1}
    set_ = ("Last-Modified", TIME)
    assert status(vm, {"If-Modified-Since": TIME}, *set_, **given) == 304
    set_ = ("Last-Modified", "junk")
    assert status(vm, {"If-Modified-Since": "junk"}, *set_, **given) == 200


def test_all_conditions_must_hold(vm):
    same = {"If-Modified-Since": TIME, "If-None-Match": ETAG}
    assert status(vm, same) == 304
    assert status(vm, same | {"If-None-Match": '"x"'}) == 200
    assert status(vm, same | {"If-Modified-Since": LATER}) == 200
    assert status(vm, same | {"If-Match": '"x"'}) == 412
    assert status(vm, same | {"If-Match": ETAG}) == 304


@pytest.mark.parametrize("given", [{"status": 404}, {"status": 206}, {"parent": {}}])
def test_conditions_are_for_a_200_of_a_main_request(vm, given):
    code = given.get("status", 200)
    assert status(vm, {"If-None-Match": ETAG}, **given) == code
    assert status(vm, {"If-Match": '"x"'}, **given) == code


def test_what_describes_the_body_is_taken_out(vm):
    answer = vm.filter(
        "not_modified",
        {"If-None-Match": "*"},
        *("Content-Length", "10", "Accept-Ranges", "bytes"),
        *("Content-Encoding", "gzip", "ETag", ETAG, "X", "y"),
    )
    assert answer.headers == [f"ETag: {ETAG}", "X: y"]


# Ranges ----------------------------------------------------------------------


def ranges(vm, text, *out, **given):
    """What is answered to a Range for a body of ten bytes."""
    headers = {"Range": text} | given.pop("headers", {})
    given = {"content_length": 10, "allow_ranges": True} | given
    given.setdefault("last_modified", MTIME)
    return vm.filter("ranges", headers, *(out or ("ETag", ETAG)), **given)


def is_whole(answer):
    return (answer.status, answer.code, answer.values("Accept-Ranges")) == (
        200,
        None,
        ["bytes"],
    )


@pytest.mark.parametrize(
    ("text", "range_"),
    [
        ("bytes=0-0", "0-0"),
        ("bytes=2-", "2-9"),
        ("bytes=-3", "7-9"),
        ("bytes=-10", "0-9"),
        ("bytes=-999", "0-9"),
        ("bytes=0-", "0-9"),
        ("bytes=9-9", "9-9"),
        ("bytes=1-10", "1-9"),
        ("bytes=1-9223372036854775807", "1-9"),
        ("bytes=0000000000000000000000001-1", "1-1"),
        ("bytes=-9223372036854775807", "0-9"),
        ("BYTES=1-2", "1-2"),
        ("bytes=  1  -  2  ", "1-2"),
        ("bytes= -2 ", "8-9"),
        ("bytes=20-,1-2", "1-2"),
        ("bytes=5-3 , 1-2", "1-2"),
        ("bytes=1-2,-0", "1-2"),
    ],
)
def test_one_range(vm, text, range_):
    answer = ranges(vm, text)
    first, last = map(int, range_.split("-"))
    assert (answer.status, answer.code) == (206, None)
    assert answer.body == f"[{first},{last + 1})"
    assert answer.content_length == last + 1 - first
    assert answer.headers == [f"ETag: {ETAG}", f"Content-Range: bytes {range_}/10"]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("bytes=0-3,5-6", "[0,4)[5,7)"),
        ("bytes=5-6,0-3", "[5,7)[0,4)"),
        ("bytes=0-1, 1-2 ,-1", "[0,2)[1,3)[9,10)"),
        ("bytes=0-4,5-9", "[0,5)[5,10)"),
    ],
)
def test_several_ranges(vm, text, spans):
    answer = ranges(vm, text, content_type="text/html")
    assert (answer.status, answer.body) == (206, spans)
    assert answer.content_type.startswith("multipart/byteranges; boundary=0000")
    assert answer.headers == [f"ETag: {ETAG}"]


@pytest.mark.parametrize(
    "text",
    [
        "bytes=-0",
        "bytes=5-3",
        "bytes=10-",
        "bytes=10-20,30-",
        "bytes=a",
        "bytes=-",
        "bytes=- 3",
        "bytes=1-2x",
        "bytes=1-2 3",
        "bytes=1",
        "bytes=1,2",
        "bytes=0-3,5-6,",
        "bytes=,1-2",
        "bytes=1-2;3-4",
        "bytes= ",
        "bytes=9223372036854775807-",
        "bytes=9223372036854775808-",
        "bytes=1-9223372036854775808",
        "bytes=1-99999999999999999999",
        "bytes=-99999999999999999999",
    ],
)
def test_no_range_that_is_there(vm, text):
    answer = ranges(vm, text)
    assert (answer.code, answer.status, answer.content_length) == (416, 416, None)
    assert answer.values("Content-Range") == ["bytes */10"]


@pytest.mark.parametrize(
    "text", ["bytes=", "lines=1-2", "byte=1-22", "bytes=0-9,0-0", "bytes=0-,1-"]
)
def test_ranges_that_are_ignored(vm, text):
    assert is_whole(ranges(vm, text))


@pytest.mark.parametrize("text", ["bytes=0-0", "bytes=-1", "bytes=0-", "bytes=-0"])
def test_an_empty_body_has_no_ranges(vm, text):
    assert is_whole(ranges(vm, text, content_length=0))
    assert ranges(vm, "bytes=1-", content_length=0).code == 416


@pytest.mark.parametrize(
    ("most", "text", "body"),
    [
        (1, "bytes=0-0,2-2", ""),
        (1, "bytes=0-0", "[0,1)"),
        (1, "bytes=20-,0-0", "[0,1)"),
        (2, "bytes=0-0,2-2", "[0,1)[2,3)"),
    ],
)
def test_max_ranges(vm, most, text, body):
    answer = ranges(vm, text, settings={"max_ranges": most})
    assert answer.body == body
    assert is_whole(answer) or body


@pytest.mark.parametrize(
    "given",
    [
        {"settings": {"max_ranges": 0}},
        {"allow_ranges": False},
        {"status": 404},
        {"parent": {}},
        {"version": 9},
        {"content_length": None},
    ],
)
def test_where_no_ranges_are_allowed(vm, given):
    answer = ranges(vm, "bytes=0-0", **given)
    assert answer.status == given.get("status", 200)
    assert (answer.code, answer.headers) == (None, [f"ETag: {ETAG}"])


def test_http_1_0_has_ranges(vm):
    assert ranges(vm, "bytes=0-0", version=10).status == 206


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (ETAG, 206),
        ('"x"', 200),
        (f"W/{ETAG}", 200),
        (TIME, 206),
        (LATER, 200),
        (EARLIER, 200),
        ("junk", 200),
        ('"', 200),
    ],
)
def test_if_range(vm, value, code):
    answer = ranges(vm, "bytes=0-0", headers={"If-Range": value})
    assert answer.status == code
    assert is_whole(answer) == (code == 200)


def test_if_range_of_what_has_no_version(vm):
    for value in (ETAG, TIME):
        headers = {"If-Range": value}
        answer = ranges(vm, "bytes=0-0", "X", "y", headers=headers, last_modified=None)
        assert is_whole(answer)


def test_a_length_that_lua_sets_is_the_whole(vm):
    answer = ranges(vm, "bytes=-2", "Content-Length", "5")
    assert answer.headers == ["Content-Range: bytes 3-4/5"]
    assert answer.content_length == 2


def test_boundaries_are_numbers_that_follow(vm):
    answers = [ranges(vm, "bytes=0-0,2-2").content_type for _ in range(2)]
    first, second = (int(answer[-20:]) for answer in answers)
    assert second == first + 1
