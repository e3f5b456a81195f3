"""What TLS on cosockets does beyond what the real OpenResty is asked about."""

from __future__ import annotations

import ssl

import pytest
from lua_worker import VARIANTS, each_variant, open_rig
from tls_peers import answering, open_tls_peers, peer, puppet

import resty_py
from resty_py import LuaError

WITH_FFI = [v for v in VARIANTS if v.flavour == "luajit21" and v.prefer_ffi]
WITHOUT_FFI = [v for v in VARIANTS if v not in WITH_FFI]

OPEN = """
local function open(port)
    local sock = ngx.socket.tcp()
    assert(sock:connect("127.0.0.1", port))
    return sock
end
local function ask(sock)
    sock:send("who\\n")
    return sock:receive()
end
local port, other = ...
"""


@each_variant
async def test_tls13_sessions_resume(variant, tmp_path, authority):
    async with open_tls_peers(authority) as places, open_rig(variant, tmp_path) as rig:
        results = await rig.run(
            OPEN
            + """
            local sock = open(port)
            local session = sock:sslhandshake(nil, "test.example")
            local first = ask(sock)
            -- While the connection is open, its tickets are the session's.
            local second = open(port)
            second:sslhandshake(session, "test.example")
            local answers = {first, ask(second)}
            sock:close()
            second:close()
            local third = open(port)
            third:sslhandshake(session, "test.example")
            answers[3] = ask(third)
            local resumable = third:getsslsession()
            return answers[1], answers[2], answers[3], resumable ~= nil
            """,
            places["tls13"],
        )
    assert results == (
        b"TLSv1.3 False test.example -",
        b"TLSv1.3 True test.example -",
        b"TLSv1.3 True test.example -",
        True,
    )


OPEN_WITH_PAIR = (
    OPEN
    + """
local ssl = require "ngx.ssl"
local file = assert(io.open(other))
local pem = file:read("*a")
file:close()
local cert = assert(ssl.parse_pem_cert(pem))
local key = assert(ssl.parse_pem_priv_key(pem))
local sock = open(port)
"""
)

CLIENT_CERT = (
    OPEN_WITH_PAIR
    + """
assert(sock:setclientcert(cert, key))
assert(sock:sslhandshake(nil, "test.example", true))
local answer = ask(sock)
sock:close()
assert(sock:connect("127.0.0.1", port))
assert(sock:setclientcert(nil, nil))
return answer, (select(2, sock:sslhandshake(nil, "test.example", true)))
"""
)


@each_variant
async def test_client_certificates(variant, tmp_path, authority):
    trust = f"lua_ssl_trusted_certificate={authority.ca}"
    async with open_tls_peers(authority) as places:
        async with open_rig(variant, tmp_path, trust) as rig:
            answer, error = await rig.run(
                CLIENT_CERT, places["demanding"], str(authority.client)
            )
    assert answer == b"TLSv1.2 False test.example Testing"
    assert error == b"handshake failed"


@each_variant
async def test_bad_objects(variant, tmp_path):
    kind = b"cdata" if variant in WITH_FFI else b"userdata"
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            """
            local sock = ngx.socket.tcp()
            local _, cert = sock:setclientcert("x", "y")
            local _, alone = sock:setclientcert({})
            local _, store = sock:settrustedstore(true)
            return cert, alone, store
            """
        ) == (
            b"bad cert arg: %s expected, got string" % kind,
            b"client certificate must be supplied with corresponding private key",
            b"bad store arg: %s expected, got boolean" % kind,
        )


OF_ANOTHER_KIND = (
    OPEN_WITH_PAIR
    + """
local errors = {
    select(2, sock:setclientcert(key, key)),
    select(2, sock:setclientcert(cert, cert)),
    select(2, sock:settrustedstore(cert)),
    select(2, pcall(ssl.set_cert, key)),
    select(2, pcall(ssl.set_priv_key, cert)),
    select(2, pcall(ssl.verify_client, key)),
}
for i, err in ipairs(errors) do
    errors[i] = err:match("expected, got (%a+)")
end
local session = sock:sslhandshake(key, "test.example")
errors[7] = select(2, pcall(ssl.set_cert, sock:getsslpointer()))
    :match("expected, got (%a+)")
return session ~= nil, errors
"""
)


@each_variant
async def test_objects_of_another_kind(variant, tmp_path, authority):
    async with open_tls_peers(authority) as places, open_rig(variant, tmp_path) as rig:
        shaken, kinds = await rig.run(
            OF_ANOTHER_KIND, places["tls12"], str(authority.client)
        )
    assert shaken
    key, certificates = b"key", b"certificates"
    assert kinds == [
        key, certificates, certificates, key, certificates, key, b"connection",
    ]  # fmt: skip


@pytest.mark.parametrize("variant", WITHOUT_FFI, ids=str)
async def test_objects_that_are_freed(variant, tmp_path, authority):
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            """
            local ssl = require "ngx.ssl"
            local seen = {}
            local function make(pem)
                local first = newproxy(true)
                local cert = ssl.parse_pem_cert(pem)
                local last = newproxy(true)
                local function finalize()
                    seen[#seen + 1] = select(2, pcall(ssl.set_cert, cert))
                        or "alive"
                end
                getmetatable(first).__gc = finalize
                getmetatable(last).__gc = finalize
            end
            make(...)
            collectgarbage()
            collectgarbage()
            return seen
            """,
            authority.server.read_bytes(),
        ) == [
            b"alive",
            b"bad argument #1 to 'set_cert' (userdata expected, got userdata)",
        ]


@pytest.mark.parametrize("variant", WITH_FFI, ids=str)
async def test_cdata_that_points_nowhere(variant, tmp_path):
    async with open_rig(variant, tmp_path) as rig:
        assert await rig.run(
            """
            local sock = ngx.socket.tcp()
            return (select(2, sock:settrustedstore(1LL)))
            """
        ) == (b"bad store arg: cdata expected, got ctype<int64_t>")


@each_variant
async def test_openssls_objects(variant, tmp_path, authority):
    async with open_tls_peers(authority) as places, open_rig(variant, tmp_path) as rig:
        results = await rig.run(
            OPEN
            + """
            local sock = open(port)
            local function errors()
                return {select(2, sock:getsslpointer()), (select(2,
                        sock:getsslctx())), (select(2, sock:getsslsession()))}
            end
            local plain = errors()
            assert(sock:sslhandshake(false))
            local found = sock:getsslpointer() ~= nil and sock:getsslctx() ~= nil
                and sock:getsslsession() ~= nil
            sock:close()
            return plain, found, errors()
            """,
            places["tls12"],
        )
    assert results == ([b"no ssl connection"] * 3, True, [b"closed"] * 3)


@pytest.mark.parametrize("variant", WITH_FFI, ids=str)
async def test_a_store_of_ones_own(variant, tmp_path, authority):
    async with open_tls_peers(authority) as places, open_rig(variant, tmp_path) as rig:
        results = await rig.run(
            OPEN
            + """
            local ffi = require "ffi"
            ffi.cdef [[
                void *X509_STORE_new(void);
                void X509_STORE_free(void *);
                int X509_STORE_load_locations(void *, const char *, const char *);
            ]]
            local C = ffi.load("libssl.so.3")
            local store = ffi.gc(C.X509_STORE_new(), C.X509_STORE_free)
            assert(C.X509_STORE_load_locations(store, other, nil) == 1)
            local sock = open(port)
            assert(sock:settrustedstore(store))
            local ok, err = sock:sslhandshake(false, "test.example", true)
            local again = open(port)
            return ok, err, (select(2, again:sslhandshake(false, "x", true)))
            """,
            places["tls"],
            str(authority.ca),
        )
    assert results == (True, None, b"20: unable to get local issuer certificate")


@each_variant
async def test_a_pooled_connection_takes_tickets_and_sees_the_end(
    variant, tmp_path, authority
):
    async with open_tls_peers(authority) as places, open_rig(variant, tmp_path) as rig:
        results = await rig.run(
            OPEN
            + """
            local sock = open(port)
            assert(sock:sslhandshake(false))
            -- Nothing was read: the tickets of TLS 1.3 are still to come.
            assert(sock:setkeepalive())
            assert(sock:connect("127.0.0.1", port))
            local reused = sock:getreusedtimes()
            ask(sock)
            sock:send("notify\\n")
            local watch = open(other)
            for _ = 1, 9 do
                watch:send("say .\\n")
                watch:receive(1)
            end
            return reused, sock:setkeepalive()
            """,
            places["tls13"],
            places["puppet"],
        )
    assert results == (1, None, b"connection in dubious state")


@each_variant
async def test_half_close(variant, tmp_path, authority):
    async with open_tls_peers(authority) as places, open_rig(variant, tmp_path) as rig:
        results = await rig.run(
            OPEN
            + """
            local sock = open(port)
            assert(sock:sslhandshake(false))
            sock:send("count 100\\nxyz")
            assert(sock:shutdown("send"))
            return sock:send("x"), (sock:receive())
            """,
            places["tls12"],
        )
    assert results == (None, b"3")


class TestSettings:
    async def handshake(self, rig, port):
        code = (
            "return (select(2, open(port):sslhandshake(false, 'test.example', true)))"
        )
        return await rig.run(OPEN + code, port)

    @pytest.mark.parametrize("variant", [VARIANTS[0], VARIANTS[1]], ids=str)
    async def test_revocation(self, variant, tmp_path, authority):
        trust = f"lua_ssl_trusted_certificate={authority.ca}"
        async with open_tls_peers(authority) as places:
            for crl, error in (
                (authority.crl, None),
                (authority.revoking, b"23: certificate revoked"),
            ):
                async with open_rig(
                    variant, tmp_path, trust, f"lua_ssl_crl={crl}"
                ) as rig:
                    assert await self.handshake(rig, places["tls"]) == error

    async def test_depth(self, tmp_path, authority):
        trust = f"lua_ssl_trusted_certificate={authority.ca}"
        async with open_tls_peers(authority) as places:
            for depth, error in (
                (1, None),
                (0, b"20: unable to get local issuer certificate"),
            ):
                async with open_rig(
                    VARIANTS[0], tmp_path, trust, f"lua_ssl_verify_depth={depth}"
                ) as rig:
                    assert await self.handshake(rig, places["chained"]) == error

    async def test_ciphers(self, tmp_path, authority):
        async with open_tls_peers(authority) as places:
            async with open_rig(VARIANTS[0], tmp_path, "lua_ssl_ciphers=nope") as rig:
                error = await self.handshake(rig, places["tls"])
        assert error.startswith(b'SSL_CTX_set_cipher_list("nope") failed (SSL: error:')

    async def test_a_file_that_is_no_certificate(self, tmp_path, authority):
        empty = tmp_path / "empty.pem"
        empty.write_text("")
        trust = f"lua_ssl_trusted_certificate={empty}"
        async with open_tls_peers(authority) as places:
            async with open_rig(VARIANTS[0], tmp_path, trust) as rig:
                error = await self.handshake(rig, places["tls"])
        start = f'SSL_CTX_load_verify_locations("{empty}") failed (SSL: error:'
        assert error.decode().startswith(start)

    def test_a_file_that_is_not_there(self):
        with pytest.raises(ValueError, match="must be a file that can be read"):
            resty_py.Limits.parse(["lua_ssl_trusted_certificate=/no/such.pem"])


async def test_arguments_have_their_type(tmp_path):
    async with peer(answering(b"")) as port, open_rig(VARIANTS[0], tmp_path) as rig:
        with pytest.raises(
            LuaError,
            match=r"bad argument #2 to 'sslhandshake' \(string expected, got table\)",
        ):
            await rig.run(OPEN + "open(port):sslhandshake(nil, {})", port)


async def test_others_run_while_hands_are_shaken(tmp_path, authority):
    """A peer that is silent holds up nobody but who talks to it."""
    context = authority.context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    async with peer(answering(b"")) as mute, peer(puppet(context)) as port:
        async with open_rig(VARIANTS[0], tmp_path) as rig:
            assert await rig.run(
                OPEN
                + """
                local shaker = ngx.thread.spawn(function()
                    local sock = open(other)
                    sock:settimeout(60000)
                    return sock:sslhandshake()
                end)
                for _ = 1, 20 do
                    local sock = open(port)
                    assert(sock:sslhandshake(false))
                    ask(sock)
                    sock:close()
                end
                return ngx.thread.kill(shaker)
                """,
                port,
                mute,
            )
