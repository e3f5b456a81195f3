"""Times in whole seconds; the other values are tested with the settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resty_py.conf.values import Buffers, parse_buffers, parse_seconds, parse_time

YEAR, MONTH, WEEK, DAY = 31536000, 2592000, 604800, 86400


# What nginx 1.22 makes of "expires TIME", as the max-age it sends.
@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90", 90), ("1y", YEAR), ("1M", MONTH), ("1y2M3w4d5h6m7s",
      YEAR + 2 * MONTH + 3 * WEEK + 4 * DAY + 5 * 3600 + 6 * 60 + 7),
     ("1d 12", DAY + 12), ("1m30", 90)],
)  # fmt: skip
def test_seconds(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "1ms", "1M1y", "1Y", "-1", " 1", "1h1h"])
def test_no_seconds(text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        parse_seconds(text)


@given(st.text("0123456789yMwdhms "))
def test_both_times_agree_where_both_are_times(text):
    try:
        seconds, time = parse_seconds(text), parse_time(text)
    except ValueError:
        return
    assert seconds == time


def test_buffers():
    assert parse_buffers("4 8k") == Buffers(4, 8192)
