"""Handlers of handshakes: sessions in a dictionary, and what may be called."""

from __future__ import annotations

import pytest
from differential import short_folder
from tls_pair import TLS12, TLS13, Pair, Probe

_SESSIONS = """
error_log logs/error.log info;
pid logs/nginx.pid;
events {{ }}
http {{
    access_log off;
    include local/*.conf;
    ssl_certificate {server};
    ssl_certificate_key {server};
    ssl_session_tickets off;
    lua_shared_dict sessions 1m;
    ssl_session_store_by_lua_block {{
        local session = require "ngx.ssl.session"
        local id = session.get_session_id()
        ngx.log(ngx.WARN, "store ", #id)
        ngx.shared.sessions:set(id, session.get_serialized_session())
    }}
    ssl_session_fetch_by_lua_block {{
        local session = require "ngx.ssl.session"
        local id = session.get_session_id()
        local data = ngx.shared.sessions:get(id)
        ngx.log(ngx.WARN, "fetch ", #id, " ", data ~= nil)
        ngx.log(ngx.WARN, select(2, session.set_serialized_session("x")))
        ngx.log(ngx.WARN, (pcall(session.set_serialized_session, {{}})))
        if data then
            ngx.log(ngx.WARN, session.set_serialized_session(data))
        end
    }}
    server {{
        listen 127.0.0.1:PORT1 ssl;
        ssl_protocols TLSv1.2;
        location / {{ return 200 $ssl_session_reused; }}
    }}
    server {{
        listen 127.0.0.1:PORT2 ssl;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{ return 200 $ssl_session_reused; }}
    }}
    server {{ listen 127.0.0.1:PORT7; location / {{ return 204; }} }}
}}
"""

SESSION_PROBES = {
    "fetched": Probe(1, version=TLS12, times=3),
    "tls13": Probe(2, version=TLS13, times=2),
}


@pytest.fixture(scope="module")
def session_pair(authority):
    with short_folder() as folder:
        yield Pair(authority, folder, _SESSIONS, SESSION_PROBES)


@pytest.mark.parametrize("name", SESSION_PROBES)
@pytest.mark.parametrize("flavour", ["luajit21", "lua53"])
def test_sessions_same_as_nginx(session_pair, flavour, name):
    expected = session_pair.of("nginx")[name]
    assert session_pair.of(flavour, "--lua", flavour)[name] == expected


_UNIX = """
error_log logs/error.log info;
pid logs/nginx.pid;
events {{ }}
http {{
    access_log off;
    include local/*.conf;
    lua_ssl_protocols TLSv1.2;
    server {{
        listen unix:logs/ssl.sock ssl;
        ssl_certificate {server};
        ssl_certificate_key {server};
        location / {{
            content_by_lua_block {{
                local ssl = require "ngx.ssl"
                local address, kind = ssl.raw_client_addr()
                ngx.say(ssl.server_port())
                ngx.say(#address, kind, select(2, ssl.raw_server_addr()))
            }}
        }}
    }}
    server {{
        listen 127.0.0.1:PORT7;
        location / {{
            content_by_lua_block {{
                local sock = ngx.socket.tcp()
                ngx.say(sock:connect("unix:" .. ngx.config.prefix() .. "logs/ssl.sock"))
                ngx.say(sock:sslhandshake(false))
                sock:send("GET / HTTP/1.0\\r\\n\\r\\n")
                ngx.say((sock:receive("*a"):gsub("^.*\\r\\n\\r\\n", "")))
            }}
        }}
    }}
}}
"""


def test_clients_by_a_unix_socket(authority):
    with short_folder() as folder:
        pair = Pair(authority, folder, _UNIX, {"unix": Probe(7, plain=True)})
        answers, _ = pair.of("nginx")["unix"]
        assert "unix domain has no port" in answers[0]
        assert pair.of("ours")["unix"][0] == answers


_BY_FILE = """
error_log logs/error.log info;
pid logs/nginx.pid;
events {{ }}
http {{
    access_log off;
    include local/*.conf;
    ssl_certificate {server};
    ssl_certificate_key {server};
    ssl_session_tickets off;
    ssl_session_store_by_lua_file conf/say.lua;
    ssl_session_fetch_by_lua_file conf/say.lua;
    ssl_client_hello_by_lua_file conf/say.lua;
    ssl_certificate_by_lua_file conf/say.lua;
    server {{
        listen 127.0.0.1:PORT1 ssl;
        ssl_protocols TLSv1.2;
        location / {{ return 200 $ssl_session_reused; }}
    }}
    server {{ listen 127.0.0.1:PORT7; location / {{ return 204; }} }}
}}
"""

_SAY = """
ngx.log(ngx.WARN, ngx.get_phase())
local calls = {
    [[ngx.say("x")]], [[ngx.var.uri]], [[ngx.req.get_headers()]],
    [[ngx.location.capture("/")]], [[ngx.exec("/")]], [[ngx.socket.tcp()]],
    [[ngx.timer.at(0, nop)]], [[ngx.thread.spawn(nop)]], [[ngx.status]],
    [[ngx.header.a]], [[ngx.redirect("/")]], [[ngx.req.socket()]], [[ngx.ctx.a]],
    [[ngx.worker.id()]], [[ngx.now()]], [[ngx.flush()]], [[ngx.eof()]],
}
-- Only a patched nginx waits in the others.
if ngx.get_phase() == "ssl_cert" or ngx.get_phase() == "ssl_session_store" then
    calls[#calls + 1] = [[ngx.sleep(0.001)]]
end
for _, call in ipairs(calls) do
    local code = "local nop = function() end; local x = " .. call
    local ok, err = pcall(assert(loadstring(code, "=call")))
    ngx.log(ngx.WARN, call, " ", ok, " ", (tostring(err):gsub("^.-: ", "")))
end
"""


@pytest.fixture(scope="module")
def file_pair(authority):
    with short_folder() as folder:
        probes = {"said": Probe(1, version=TLS12, times=2)}
        yield Pair(authority, folder, _BY_FILE, probes, {"say.lua": _SAY})


@pytest.mark.parametrize("flavour", ["luajit21", "lua52"])
def test_what_handlers_may_call(file_pair, flavour):
    expected = file_pair.of("nginx")["said"]
    assert file_pair.of(flavour, "--lua", flavour)["said"] == expected
