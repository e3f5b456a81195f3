"""``listen … ssl``: what clients see of it, beside the real nginx."""

from __future__ import annotations

import pytest
from authority import HOST
from differential import short_folder
from tls_pair import TLS12, TLS13, Pair, Probe, get

_VARIABLES = """
$scheme $https $ssl_protocol $ssl_cipher $ssl_server_name $ssl_session_reused
$ssl_client_verify $ssl_client_s_dn $ssl_client_i_dn $ssl_client_s_dn_legacy
$ssl_client_i_dn_legacy $ssl_client_serial $ssl_client_fingerprint
$ssl_client_v_start $ssl_client_v_end $ssl_client_v_remain
$ssl_client_escaped_cert $ssl_client_raw_cert $ssl_client_cert $ssl_ciphers
$ssl_curves $ssl_early_data $server_name $server_port
"""

_CONFIG = """
error_log logs/error.log info;
pid logs/nginx.pid;
events {{ }}
http {{
    access_log off;
    include local/*.conf;
    ssl_certificate {server};
    ssl_certificate_key {server};
    ssl_client_certificate {ca};
    default_type text/plain;
    lua_ssl_trusted_certificate {ca};
    ssl_protocols TLSv1.2 TLSv1.3;

    server {{
        listen 127.0.0.1:PORT1 ssl;
        server_name {host};
        location / {{ return 200 "VARIABLES"; }}
        location /lua {{
            content_by_lua_block {{
                local ssl = require "ngx.ssl"
                ngx.say(ssl.get_tls1_version_str(), " ", ssl.server_name(), " ",
                        ssl.server_port() == tonumber(ngx.var.server_port))
                local address, kind = ssl.raw_client_addr()
                ngx.say(#address, " ", kind, " ", select(2, ssl.raw_server_addr()))
                ngx.say(ssl.verify_client(nil, 1))
            }}
        }}
        location /big {{
            content_by_lua_block {{ ngx.print(("0123456789"):rep(200000)) }}
        }}
        location /upload {{
            client_max_body_size 8m;
            client_body_buffer_size 8m;
            content_by_lua_block {{
                ngx.req.read_body()
                ngx.say(ngx.md5(ngx.req.get_body_data()))
            }}
        }}
        location /redirect {{ return 301 /there; }}
        location /raw {{
            content_by_lua_block {{
                local sock = ngx.req.socket(true)
                sock:send("HTTP/1.0 200 OK\\r\\n\\r\\n" .. sock:receive())
            }}
        }}
        location /self {{
            content_by_lua_block {{
                local sock = ngx.socket.tcp()
                ngx.say(sock:connect("127.0.0.1", PORT1))
                ngx.say(sock:sslhandshake(false, "{host}", true))
                sock:send("GET /lua HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n")
                ngx.say((sock:receive("*a"):gsub("^.*\\r\\n\\r\\n", "")))
            }}
        }}
    }}
    server {{
        listen 127.0.0.1:PORT1 ssl;
        server_name ~^(?<sub>\\w+)\\.named\\.example$;
        ssl_certificate {selfsigned};
        ssl_certificate_key {selfsigned};
        location / {{ return 200 "$sub $ssl_server_name"; }}
    }}
    server {{
        listen 127.0.0.1:PORT1 ssl;
        server_name verified.example;
        ssl_verify_client optional;
        location / {{ return 200 "$ssl_client_verify"; }}
    }}
    server {{
        listen 127.0.0.1:PORT2 ssl;
        ssl_verify_client on;
        ssl_protocols TLSv1.2;
        location / {{ return 200 "VARIABLES"; }}
    }}
    server {{
        listen 127.0.0.1:PORT3 ssl;
        ssl_verify_client optional;
        ssl_crl {revoking};
        error_page 495 = /bad;
        location / {{ return 200 "$ssl_client_verify"; }}
        location = /bad {{
            return 200 "bad $ssl_client_verify|$ssl_client_s_dn|$ssl_client_v_remain|";
        }}
    }}
    server {{
        listen 127.0.0.1:PORT4 ssl default_server;
        ssl_reject_handshake on;
    }}
    server {{
        listen 127.0.0.1:PORT4 ssl;
        server_name {host};
        ssl_session_cache builtin:100;
        ssl_session_tickets off;
        ssl_protocols TLSv1.2;
        ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256;
        location / {{ return 200 "$ssl_cipher $ssl_session_reused"; }}
    }}
    server {{
        listen 127.0.0.1:PORT5 ssl;
        ssl_certificate_by_lua_block {{
            local ssl = require "ngx.ssl"
            local file = io.open("{chained}")
            local pem = file:read("*a")
            file:close()
            ngx.sleep(0.01)
            ssl.clear_certs()
            local name = ssl.server_name()
            ngx.ctx.name = name
            if name == "der.example" then
                ssl.set_der_cert(ssl.cert_pem_to_der(pem))
                ssl.set_der_priv_key(ssl.priv_key_pem_to_der(pem))
            elseif name == "fail.example" then
                error("no certificate for you")
            elseif name == "exit.example" then
                ngx.exit(ngx.ERROR)
            elseif name and name:find("^exit%d+%.") then
                ngx.exit(tonumber(name:match("%d+")))
            elseif name == "declined.example" then
                ngx.exit(ngx.DECLINED)
            elseif name == "nil.example" then
                ngx.log(ngx.WARN, select(2, ssl.set_cert(nil)))
                ngx.log(ngx.WARN, select(2, ssl.set_priv_key(nil)))
                ngx.log(ngx.WARN, ssl.verify_client(nil, 0 / 0),
                        ssl.verify_client(nil, 1 / 0))
            elseif name then
                ssl.set_cert(ssl.parse_pem_cert(pem))
                ssl.set_priv_key(ssl.parse_pem_priv_key(pem))
                if name == "verify.example" then
                    local ca = io.open("{ca}")
                    ssl.verify_client(ssl.parse_pem_cert(ca:read("*a")), 1)
                    ca:close()
                end
            end
        }}
        location / {{
            content_by_lua_block {{
                ngx.say(ngx.ctx.name, " ", ngx.var.ssl_client_verify, " ",
                        ngx.var.ssl_session_reused)
            }}
        }}
    }}
    server {{
        listen 127.0.0.1:PORT6 ssl;
        ssl_client_hello_by_lua_block {{
            local hello = require "ngx.ssl.clienthello"
            local name = hello.get_client_hello_server_name()
            ngx.ctx.name = name
            ngx.ctx.versions = hello.get_supported_versions()
            ngx.ctx.missing = hello.get_client_hello_ext(12345)
            ngx.ctx.bad = pcall(hello.get_client_hello_ext, "x")
            if name == "old.example" then
                hello.set_protocols({{"TLSv1.2"}})
            elseif name == "exit.example" then
                ngx.exit(ngx.ERROR)
            elseif name == "exit444.example" then
                ngx.exit(444)
            end
        }}
        location / {{
            content_by_lua_block {{
                ngx.say(ngx.ctx.name, " ", table.concat(ngx.ctx.versions, ","), " ",
                        ngx.ctx.missing, " ", ngx.ctx.bad, " ", ngx.var.ssl_protocol)
            }}
        }}
    }}
    server {{
        listen 127.0.0.1:PORT8 ssl;
        ssl_certificate {encrypted};
        ssl_certificate_key {encrypted};
        ssl_password_file {passwords};
        ssl_prefer_server_ciphers on;
        ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256;
        ssl_ecdh_curve secp384r1;
        ssl_verify_client optional_no_ca;
        ssl_verify_depth 3;
        ssl_trusted_certificate {ca};
        ssl_session_timeout 1h;
        ssl_session_cache shared:TLS:1m;
        ssl_conf_command Options -SessionTicket;
        ssl_buffer_size 4k;
        location / {{
            return 200 "$ssl_cipher $ssl_client_verify $ssl_session_reused";
        }}
        location /to {{
            lua_ssl_protocols TLSv1.2;
            lua_ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;
            lua_ssl_conf_command Options -ExtendedMasterSecret;
            lua_ssl_verify_depth 3;
            content_by_lua_block {{
                local sock = ngx.socket.tcp()
                ngx.say(sock:connect("127.0.0.1", PORT1))
                ngx.say(sock:sslhandshake(false, "{host}", true))
                sock:send("GET /lua HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n")
                ngx.say((sock:receive("*a"):gsub("^.*\\r\\n\\r\\n", "")))
            }}
        }}
        location /revoked {{
            lua_ssl_crl {revoking};
            content_by_lua_block {{
                local sock = ngx.socket.tcp()
                ngx.say(sock:connect("127.0.0.1", PORT1))
                ngx.say(sock:sslhandshake(false, "{host}", true))
            }}
        }}
    }}
    server {{
        listen 127.0.0.1:PORT9 ssl;
        client_header_timeout 200ms;
        ssl_certificate_by_lua_block {{
            ngx.sleep(10)
            ngx.log(ngx.WARN, "too late")
        }}
    }}
    server {{ listen 127.0.0.1:PORT7; location / {{ return 200 "plain $scheme"; }} }}
}}
"""

_BODY = bytes(range(256)) * 4096

PROBES = {
    "tls12": Probe(1, version=TLS12),
    "tls13": Probe(1, version=TLS13),
    "resumed12": Probe(1, version=TLS12, times=3),
    "no_name": Probe(1, None),
    "unknown_name": Probe(1, "nobody.example"),
    "name_of_a_regex": Probe(1, "a.named.example", get("/", "b.named.example")),
    "case_of_a_name": Probe(1, "A.Named.EXAMPLE", get("/", "A.Named.EXAMPLE")),
    "verified": Probe(1, "verified.example", get("/", "verified.example")),
    "misdirected": Probe(1, request=get("/", "verified.example")),
    "unknown_name_then_verified": Probe(
        1, "nobody.example", get("/", "verified.example")
    ),
    "unnamed": Probe(1, None, get("/", "verified.example")),
    "lua": Probe(1, request=get("/lua"), version=TLS13),
    "self": Probe(1, request=get("/self")),
    "big": Probe(1, request=get("/big")),
    "upload": Probe(
        1,
        request=b"POST /upload HTTP/1.0\r\nHost: %s\r\nContent-Length: %d\r\n\r\n"
        % (HOST.encode(), len(_BODY))
        + _BODY,
    ),
    "redirect": Probe(1, request=get("/redirect")),
    "raw_socket": Probe(1, request=get("/raw") + b"hello\r\n"),
    "pipelined": Probe(
        1,
        request=b"GET /lua HTTP/1.1\r\nHost: a\r\n\r\n" * 3
        + b"GET /lua HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    "plain": Probe(1, plain=True),
    "plain_garbage": Probe(1, plain=True, request=b"hello\r\n\r\n"),
    "garbage": Probe(1, plain=True, request=b"\x16\x03\x01\x00\x05hello world"),
    "long_record": Probe(1, plain=True, request=b"\x16\x03\x01\xff\xff" + bytes(100)),
    "alert_first": Probe(1, plain=True, request=b"\x16\x03\x01\x00\x02\x02\x28"),
    "ssl2": Probe(1, plain=True, request=b"\x80\x2e\x01\x03\x01" + bytes(60)),
    "old_hello": Probe(
        1,
        plain=True,
        request=b"\x16\x03\x00\x00\x2d\x01\x00\x00\x29\x03\x00" + bytes(41),
    ),
    "cut": Probe(1, plain=True, request=b"\x16\x03\x01"),
    "nothing": Probe(1, plain=True, request=b""),
    "silent": Probe(9, plain=True, request=b"", waits=True),
    "slow": Probe(9, plain=True, request=b"\x16\x03\x01\x02\x00\x01", waits=True),
    "late_handler": Probe(9),
    "no_certificate": Probe(2),
    "certificate": Probe(2, certificate="client"),
    "bad_certificate": Probe(2, certificate="selfsigned"),
    "unasked_certificate": Probe(1, certificate="client"),
    "optional_none": Probe(3),
    "optional_good": Probe(3, certificate="client"),
    "optional_bad": Probe(3, certificate="selfsigned"),
    "optional_foreign": Probe(3, certificate="foreign"),
    "optional_malformed": Probe(3, certificate="malformed"),
    "optional_revoked": Probe(3, certificate="server"),
    "rejected": Probe(4, "nobody.example"),
    "rejected_without_name": Probe(4, None),
    "session_cache": Probe(4, version=TLS12, times=2),
    "wrong_version": Probe(4, version=TLS13),
    "chosen": Probe(5, "pem.example"),
    "chosen12": Probe(5, "pem.example", version=TLS12),
    "chosen_der": Probe(5, "der.example"),
    "chosen_none": Probe(5, None),
    "chosen_nil": Probe(5, "nil.example"),
    "chooser_fails": Probe(5, "fail.example"),
    "chooser_exits": Probe(5, "exit.example"),
    **{
        f"chooser_exits_{code}": Probe(5, f"exit{code}.example")
        for code in (200, 299, 300, 444)
    },
    "chooser_declines": Probe(5, "declined.example"),
    "chooser_asks": Probe(5, "verify.example"),
    "chooser_asks_and_gets": Probe(5, "verify.example", certificate="client"),
    "hello": Probe(6, "a.example"),
    "hello_no_name": Probe(6, None),
    "hello_sets_protocols": Probe(6, "old.example"),
    "hello_exits": Probe(6, "exit.example"),
    "hello_exits_444": Probe(6, "exit444.example"),
    "plain_port": Probe(7, plain=True),
    "encrypted_key": Probe(8, version=TLS12),
    "resumed_by_cache": Probe(8, version=TLS12, times=2),
    "expired_certificate": Probe(8, certificate="expired"),
    "any_certificate": Probe(8, certificate="selfsigned"),
    "client_directives": Probe(8, request=get("/to")),
    "client_crl": Probe(8, request=get("/revoked")),
}


@pytest.fixture(scope="module")
def pair(authority):
    config = _CONFIG.replace("VARIABLES", _VARIABLES)
    with short_folder() as folder:
        yield Pair(authority, folder, config, PROBES)


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize("flavour", ["luajit21", "lua54"])
def test_same_as_nginx(pair, flavour, name):
    expected = pair.of("nginx")[name]
    assert "500 Internal" not in "".join(expected[0])
    assert pair.of(flavour, "--lua", flavour)[name] == expected
