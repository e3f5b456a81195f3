"""Settings; what is accepted and what it means is what nginx 1.22.1 says."""

import dataclasses
import mmap
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resty_py.conf.program import app_settings
from resty_py.server.config import (
    AppConfig,
    Buffers,
    Limits,
    SettingError,
    parse_flag,
    parse_number,
    parse_offset,
    parse_size,
    parse_time,
)
from resty_py.server.listeners import parse_listen

K, M, G = 1024, 1024**2, 1024**3
MAX = 2**63 - 1


def is_refused(parse, text):
    try:
        parse(text)
    except ValueError:
        return True
    return False


class TestParsers:
    @pytest.mark.parametrize(
        ("text", "size"),
        [
            ("0", 0),
            ("1", 1),
            ("1k", K),
            ("1K", K),
            ("1m", M),
            ("1M", M),
            ("9223372036854775807", MAX),
            ("9007199254740991k", 9007199254740991 * K),
        ],
    )
    def test_size(self, text, size):
        assert parse_size(text) == size
        assert parse_offset(text) == size

    @pytest.mark.parametrize(
        "text",
        ["", "k", "-1", "1kb", "1kk", "1.5k", " 1k", "1k ", "9223372036854775808",
         "9007199254740992k", "\u0661", "1\u212a"],
    )  # fmt: skip
    def test_no_size(self, text):
        assert is_refused(parse_size, text)
        assert is_refused(parse_offset, text)

    def test_only_offsets_have_gigabytes(self):
        assert parse_offset("1g") == parse_offset("1G") == G
        assert is_refused(parse_size, "1g")

    # The seconds are those of the max-age that "expires TIME" sends.
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("0", 0),
            ("1", 1),
            ("60s", 60),
            ("1s ", 1),
            ("1m30s", 90),
            ("1m30", 90),
            ("1m 30s", 90),
            ("1d", 86400),
            ("1w2d", 777600),
            ("5s6", 11),
            ("1s 2", 3),
            ("500ms", 0.5),
            ("1s500ms", 1.5),
            ("1ms500", 500.001),
        ],
    )
    def test_time(self, text, seconds):
        assert parse_time(text) == seconds

    @pytest.mark.parametrize(
        "text",
        ["", "s", "ms", "-1", "1.5s", " 1s", "1 s", "1S", "1M", "1y", "1y2M", "2M1y",
         "1h1h", "30s1m", "1ms1s", "9223372036854776", "\u0661s"],
    )  # fmt: skip
    def test_no_time(self, text):
        assert is_refused(parse_time, text)

    def test_longest_time(self):
        assert parse_time("9223372036854775") == pytest.approx(9223372036854775)

    @given(st.lists(st.integers(0, 999), min_size=6, max_size=6), st.booleans())
    def test_times_add_up(self, numbers, spaced):
        units = dict(zip(("w", "d", "h", "m", "s", "ms"), numbers, strict=True))
        text = (" " * spaced).join(f"{n}{unit}" for unit, n in units.items())
        scale = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
        expected = sum(n * scale[unit] for unit, n in units.items())
        assert parse_time(text) == pytest.approx(expected)

    @given(st.text("0123456789wdhmskKgG .-"))
    def test_nothing_but_value_errors(self, text):
        for parse in (parse_time, parse_size, parse_offset, parse_number):
            try:
                assert parse(text) >= 0
            except ValueError:
                continue

    def test_flag(self):
        assert [parse_flag(text) for text in ("on", "ON", "off", "Off")] == [
            True,
            True,
            False,
            False,
        ]

    @pytest.mark.parametrize("text", ["yes", "1", "", "true"])
    def test_no_flag(self, text):
        assert is_refused(parse_flag, text)

    def test_number(self):
        assert [parse_number(text) for text in ("0", "1", "007")] == [0, 1, 7]

    @pytest.mark.parametrize(
        "text", ["-1", "1k", "", "1.5", " 1", "9223372036854775808"]
    )
    def test_no_number(self, text):
        assert is_refused(parse_number, text)


SIZE = "a size such as 512, 8k or 1m"
OFFSET = "a size such as 512, 8k, 1m or 2g"
TIME = "a time such as 30, 1m30s or 500ms"


def invalid(value, name, wanted):
    return f'invalid value "{value}" in "{name}", it must be {wanted}'


def unknown(name, close):
    return f'unknown setting "{name}", did you mean "{close}"?'


class TestLimits:
    def test_defaults_are_nginxs(self):
        page = mmap.PAGESIZE
        assert dataclasses.asdict(Limits()) == {
            "client_header_buffer_size": K,
            "large_client_header_buffers": {"count": 4, "size": 8 * K},
            "client_header_timeout": 60,
            "client_body_buffer_size": 2 * page,
            "client_body_timeout": 60,
            "client_body_temp_path": Path(tempfile.gettempdir()),
            "client_max_body_size": M,
            "keepalive_timeout": 75,
            "keepalive_requests": 1000,
            "send_timeout": 60,
            "lingering_time": 30,
            "lingering_timeout": 5,
            "postpone_output": 1460,
            "resolver_timeout": 30,
            "default_type": "text/plain",
            "underscores_in_headers": False,
            "merge_slashes": True,
            "server_tokens": True,
            "lua_socket_connect_timeout": 60,
            "lua_socket_send_timeout": 60,
            "lua_socket_read_timeout": 60,
            "lua_socket_buffer_size": page,
            "lua_socket_pool_size": 30,
            "lua_socket_keepalive_timeout": 60,
            "lua_socket_log_errors": True,
            "lua_ssl_protocols": ("TLSv1.2", "TLSv1.3"),
            "lua_ssl_trusted_certificate": None,
            "lua_ssl_verify_depth": 1,
            "lua_ssl_crl": None,
            "lua_ssl_ciphers": "DEFAULT",
            "lua_regex_cache_max_entries": 1024,
            "lua_regex_match_limit": 0,
            "lua_max_pending_timers": 1024,
            "lua_max_running_timers": 256,
            "lua_check_client_abort": False,
            "lua_need_request_body": False,
            "lua_http10_buffering": True,
            "lua_use_default_type": True,
            "lua_transform_underscores_in_response_headers": True,
        }

    def test_settings(self):
        limits = Limits.parse(
            [
                "client_max_body_size=2g",
                "keepalive_timeout=1m30s",
                "keepalive_requests=5",
                "large_client_header_buffers=8 16k",
                "lua_check_client_abort=on",
                "default_type=text/html; charset=utf-8",
                "client_body_temp_path=/var/tmp/bodies",
                "default_type=text/x=y",
            ]
        )
        assert limits == dataclasses.replace(
            Limits(),
            client_max_body_size=2 * G,
            keepalive_timeout=90.0,
            keepalive_requests=5,
            large_client_header_buffers=Buffers(8, 16 * K),
            lua_check_client_abort=True,
            default_type="text/x=y",
            client_body_temp_path=Path("/var/tmp/bodies"),
        )

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("keepalive_timeout", '"keepalive_timeout" is not NAME=VALUE'),
            ("nope=1", 'unknown setting "nope"'),
            ("sent_timeout=1", unknown("sent_timeout", "send_timeout")),
            ("merge_slashes=yes", invalid("yes", "merge_slashes", '"on" or "off"')),
            ("postpone_output=1g", invalid("1g", "postpone_output", SIZE)),
            ("client_max_body_size=x", invalid("x", "client_max_body_size", OFFSET)),
            ("send_timeout=1 s", invalid("1 s", "send_timeout", TIME)),
            ("keepalive_requests=-1", invalid("-1", "keepalive_requests", "a number")),
            ("client_body_temp_path=", invalid("", "client_body_temp_path", "a path")),
        ],
    )
    def test_complaints(self, text, complaint):
        with pytest.raises(SettingError) as caught:
            Limits.parse([text])
        assert str(caught.value) == complaint

    @pytest.mark.parametrize("text", ["4", "0 8k", "x 8k", "4 x", "4 8k 1", "", "4 8g"])
    def test_no_buffers(self, text):
        with pytest.raises(SettingError, match="a number and a size such as 4 8k"):
            Limits.parse([f"large_client_header_buffers={text}"])

    def test_defaults_are_written_as_they_are_read(self):
        written = [f"{setting.name}={setting.default}" for setting in Limits.settings()]
        assert Limits.parse(written) == Limits()

    def test_they_are_settings_of_a_location(self):
        limits = Limits.parse(["default_type=t\u00e9xt", "send_timeout=500ms"])
        settings = app_settings(limits.as_settings(), Path("/srv"))
        names = {entry.name for entry in dataclasses.fields(Limits)}
        names -= {"large_client_header_buffers"}
        names -= {"lua_ssl_trusted_certificate", "lua_ssl_crl"}  # None
        assert {name.encode() for name in names} <= set(settings)
        assert settings[b"large_client_header_buffers_count"] == 4
        assert settings[b"large_client_header_buffers_size"] == 8192
        assert settings[b"default_type"] == "t\u00e9xt".encode()
        assert settings[b"send_timeout"] == 0.5


def test_app_config_is_local_and_quiet_by_default():
    config = AppConfig(Path("app.lua"))
    assert config.listen == (parse_listen("127.0.0.1:8080"),)
    assert (config.access_log, config.error_log, config.error_level) == (
        None,
        None,
        "error",
    )
    assert config.limits == Limits()
