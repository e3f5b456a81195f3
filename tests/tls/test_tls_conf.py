"""What is said of configurations of TLS, beside the real nginx."""

from __future__ import annotations

import re
import subprocess

import pytest
from differential import short_folder
from nginx_pair import free_ports, nginx_command, our_command
from real_nginx import require_nginx, running
from tls_pair import FILES, Probe, once

#: What is wrong with a configuration: in the http block, and in the server.
COMPLAINTS = {
    "no_file": ("", "ssl_certificate no.pem; ssl_certificate_key no.pem;"),
    "no_key_file": ("", "ssl_certificate {server}; ssl_certificate_key no.pem;"),
    "no_key": ("", "ssl_certificate {server};"),
    "no_certificate": ("", ""),
    "no_certificate_in_it": ("", "ssl_certificate {crl}; ssl_certificate_key {crl};"),
    "broken_chain": ("", "ssl_certificate broken.pem; ssl_certificate_key {server};"),
    "cut_chain": ("", "ssl_certificate cut.pem; ssl_certificate_key {server};"),
    "no_key_in_it": ("", "ssl_certificate {ca}; ssl_certificate_key {ca};"),
    "another_key": ("", "ssl_certificate {server}; ssl_certificate_key {client};"),
    "wrong_password": (
        "",
        (
            "ssl_password_file {crl}; ssl_certificate {encrypted}; "
            "ssl_certificate_key {encrypted};"
        ),
    ),
    "cipher": ("ssl_ciphers nope;", "{good}"),
    "no_curve": ('ssl_ecdh_curve "";', "{good}"),
    "curve": ("ssl_ecdh_curve nope;", "{good}"),
    "client_ca": ("ssl_client_certificate no.pem;", "{good} ssl_verify_client on;"),
    "no_client_ca": ("", "{good} ssl_verify_client on;"),
    "trusted": ("ssl_trusted_certificate no.pem;", "{good}"),
    "crl": ("ssl_crl no.pem;", "{good}"),
    "command": ("ssl_conf_command No Thing;", "{good}"),
    "protocol": ("ssl_protocols TLSv9;", "{good}"),
    "small_cache": ("ssl_session_cache shared:a:31k;", "{good}"),
    "huge_cache": ("ssl_session_cache shared:a:99999999999999999999m;", "{good}"),
    "cache": ("ssl_session_cache some;", "{good}"),
    "verify": ("ssl_verify_client maybe;", "{good}"),
    "lua_trusted": ("lua_ssl_trusted_certificate no.pem;", "{good}"),
    "lua_crl": ("lua_ssl_crl no.pem;", "{good}"),
    "lua_cipher": ("lua_ssl_ciphers nope;", "{good}"),
    "lua_command": ("lua_ssl_conf_command No Thing;", "{good}"),
    "fine": ("", "{good}"),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_same_complaints(authority, name):
    http, server = COMPLAINTS[name]
    files = {one: str(getattr(authority, one)) for one in (*FILES, "crl", "client")}
    good = "ssl_certificate {server}; ssl_certificate_key {server};".format(**files)
    text = "pid logs/nginx.pid; events {}\nhttp {\n"
    text += f"include local/*.conf; {http}\n"
    text += f"server {{\nlisten 127.0.0.1:0 ssl;\n{server}\n}}\n}}\n"
    for key, value in {**files, "good": good}.items():
        text = text.replace(f"{{{key}}}", value)
    text = text.replace("127.0.0.1:0", "127.0.0.1:9443")
    with short_folder() as prefix:
        for folder in ("conf/local", "logs", "temp", "html"):
            (prefix / folder).mkdir(parents=True)
        (prefix / "conf/nginx.conf").write_text(text)
        _write_chains(prefix / "conf", authority.server.read_text())
        commands = nginx_command(require_nginx(), prefix), our_command(prefix)
        said = [
            subprocess.run([*command, "-t"], capture_output=True, text=True, cwd=prefix)
            for command in commands
        ]
    lines = [[_about_files(line) for line in one.stderr.split("\n")] for one in said]
    assert lines[1] == lines[0]
    assert said[1].returncode == said[0].returncode


def _write_chains(folder, server: str) -> None:
    mark = "-----BEGIN CERTIFICATE-----"
    broken = f"{server}{mark}\nMIIBxx\n-----END CERTIFICATE-----\n"
    (folder / "broken.pem").write_text(broken)
    (folder / "cut.pem").write_text(f"{server}{mark}\nMIIB")


def _about_files(line: str) -> str:
    # Where in OpenSSL an error was found is its own business.
    return re.sub(r"error:[0-9A-F]+:", "error:", line)


_LATER = """
pid logs/nginx.pid;
events {{ }}
http {{
    access_log off;
    lua_ssl_key_log keys.log;
    lua_ssl_certificate {client};
    lua_ssl_certificate_key {client};
    ssl_certificate {server};
    ssl_certificate_key {server};
    server {{
        listen 127.0.0.1:PORT1 ssl;
        ssl_verify_client on;
        ssl_client_certificate {ca};
        location / {{ return 200 "$ssl_client_verify"; }}
    }}
    server {{
        listen 127.0.0.1:PORT2;
        location / {{
            content_by_lua_block {{
                local sock = ngx.socket.tcp()
                sock:connect("127.0.0.1", PORT1)
                sock:sslhandshake(false)
                sock:send("GET / HTTP/1.0\\r\\n\\r\\n")
                ngx.print((sock:receive("*a"):gsub("^.*\\r\\n\\r\\n", "")))
            }}
        }}
    }}
}}
"""


def test_directives_that_the_reference_does_not_have_yet(authority, tmp_path):
    """lua_ssl_certificate, lua_ssl_certificate_key and lua_ssl_key_log."""
    for name in ("conf", "logs"):
        (tmp_path / name).mkdir()
    with free_ports((b"PORT1", b"PORT2")) as ports:
        files = {
            one: str(getattr(authority, one)) for one in ("server", "client", "ca")
        }
        text = _LATER.format(**files)
        for name, port in ports.items():
            text = text.replace(name.decode(), str(port))
        (tmp_path / "conf/nginx.conf").write_text(text)
        with running(our_command(tmp_path), tmp_path):
            probe = Probe(2, plain=True)
            answer, _ = once(probe, ports[b"PORT2"], None, None)
    log = (tmp_path / "logs/error.log").read_text()
    assert answer.endswith("\r\n\r\nSUCCESS"), log
    secrets = (tmp_path / "conf/keys.log").read_text().splitlines()
    assert secrets
    assert all(re.fullmatch(r"[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]+", s) for s in secrets)
