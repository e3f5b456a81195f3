from __future__ import annotations

import datetime
import email.utils
import os
import time

import pytest
from codec_vm import VARIANTS, CodecVM, codec_vm
from hypothesis import given
from hypothesis import strategies as st

YEAR_9999 = 253402300799

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)
seconds = st.integers(0, YEAR_9999)
offsets = st.integers(-15 * 60, 15 * 60).map(lambda minutes: minutes * 60)


def civil(second, offset=0):
    """Return the civil time as Python knows it."""
    zone = datetime.timezone(datetime.timedelta(seconds=offset))
    return datetime.datetime.fromtimestamp(second, zone)


@pytest.fixture
def time_zone(monkeypatch):
    """Set the process's time zone; it is taken back at the end."""

    def change(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    before = os.environ.get("TZ")
    yield change
    if before is None:
        monkeypatch.delenv("TZ", raising=False)
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


@each_variant
@given(second=seconds)
def test_http_time_is_that_of_email_utils(variant, second):
    httptime = codec_vm(variant).codec("httptime")
    expected = email.utils.format_datetime(civil(second), usegmt=True).encode()
    assert httptime["http_time"](second) == expected
    assert httptime["http_time"](second + 0.5 if second < 2**40 else second) == (
        expected
    )


@each_variant
@given(second=st.integers(0, 2**32))
def test_cookie_time(variant, second):
    # The form of Netscape's cookies; nginx writes four digits from 2038 on.
    year = "%Y" if civil(second).year > 2037 else "%y"
    expected = civil(second).strftime(f"%a, %d-%b-{year} %H:%M:%S GMT")
    cookie_time = codec_vm(variant).codec("httptime")["cookie_time"]
    assert cookie_time(second) == expected.encode()


@each_variant
@given(second=seconds)
def test_parse_takes_all_three_forms_of_rfc_9110(variant, second):
    parse = codec_vm(variant).codec("httptime")["parse_http_time"]
    date = civil(second)
    assert parse(email.utils.format_datetime(date, usegmt=True).encode()) == second
    assert parse(date.strftime("%a %b %e %H:%M:%S ").encode() + year(date)) == second
    if 1970 <= date.year < 2070:
        rfc850 = date.strftime("%A, %d-%b-%y %H:%M:%S GMT")
        assert parse(rfc850.encode()) == second


def year(date):
    return b"%04d" % date.year


@each_variant
@pytest.mark.parametrize("text", [b"", b"abc", b",", b" ", b"Sun, ", b"Sun, 6"])
def test_no_date(variant, text):
    assert codec_vm(variant).codec("httptime")["parse_http_time"](text) is None


@each_variant
@given(second=st.integers(2**17, 2**34), offset=offsets)
def test_stamps(variant, second, offset):
    httptime = codec_vm(variant).codec("httptime")
    date = civil(second, offset)
    expected = {
        "date": date.strftime("%Y-%m-%d"),
        "datetime": date.strftime("%Y-%m-%d %H:%M:%S"),
        "error_stamp": date.strftime("%Y/%m/%d %H:%M:%S"),
        "access_stamp": date.strftime("%d/%b/%Y:%H:%M:%S %z"),
        "iso8601_stamp": date.isoformat(),
    }
    got = {name: httptime[name](second, offset).decode() for name in expected}
    assert got == expected


@each_variant
def test_stamps_follow_second_and_offset(variant):
    stamp = codec_vm(variant).codec("httptime")["access_stamp"]
    assert stamp(1290079655, 0) == b"18/Nov/2010:11:27:35 +0000"
    assert stamp(1290079655, 0) == b"18/Nov/2010:11:27:35 +0000"
    assert stamp(1290079656, 0) == b"18/Nov/2010:11:27:36 +0000"
    assert stamp(1290079656, -12600) == b"18/Nov/2010:07:57:36 -0330"


@each_variant
def test_the_local_zone_is_the_default(variant, time_zone):
    time_zone("America/St_Johns")
    httptime = CodecVM(variant).codec("httptime")
    assert httptime["error_stamp"](1290079655) == b"2010/11/18 07:57:35"
    assert httptime["access_stamp"](1290079655) == b"18/Nov/2010:07:57:35 -0330"
    assert httptime["iso8601_stamp"](1290079655) == b"2010-11-18T07:57:35-03:30"
    assert httptime["datetime"](1290079655) == b"2010-11-18 07:57:35"


@each_variant
def test_summer_time_begins_on_its_second(variant, time_zone):
    time_zone("Europe/Berlin")
    stamp = CodecVM(variant).codec("httptime")["access_stamp"]
    change = 1774746000  # 29 March 2026, 01:00 UTC
    assert stamp(change - 1) == b"29/Mar/2026:01:59:59 +0100"
    assert stamp(change) == b"29/Mar/2026:03:00:00 +0200"
