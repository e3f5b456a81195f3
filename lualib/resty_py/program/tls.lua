-- What a server's `ssl_*` make: its context.
--
--   prepare(server, hooks)   sets server.tls_context, an `SSL_CTX *`, where the
--                            server has certificates or refuses handshakes; an
--                            error that says why it cannot
--     hooks   the handlers of the http block
--
-- Follows ngx_http_ssl_merge_srv_conf.

local native = require "resty_py.native"

local error = error
local tls = native.tls
local unpack = unpack

local _M = {}


local function add(pairs_of, name, value)
    if value ~= nil then
        pairs_of[#pairs_of + 1] = name
        pairs_of[#pairs_of + 1] = value
    end
end


local function add_all(pairs_of, name, values)
    for i = 1, #(values or {}) do
        add(pairs_of, name, values[i])
    end
end


-- What resty_py/host/tls/server_context.py is told of a server.
local function context_settings(given, hooks)
    local pairs_of = {}
    add_all(pairs_of, "certificate", given.ssl_certificate)
    add_all(pairs_of, "key", given.ssl_certificate_key)
    add_all(pairs_of, "protocol", given.ssl_protocols)
    add_all(pairs_of, "session_cache", given.ssl_session_cache)
    for i = 1, #(given.ssl_conf_command or {}) do
        add_all(pairs_of, "conf_command", given.ssl_conf_command[i])
    end
    add(pairs_of, "password_file", given.ssl_password_file)
    add(pairs_of, "ciphers", given.ssl_ciphers)
    add(pairs_of, "prefer_server_ciphers", given.ssl_prefer_server_ciphers)
    add(pairs_of, "ecdh_curve", given.ssl_ecdh_curve)
    add(pairs_of, "verify_client", given.ssl_verify_client)
    add(pairs_of, "verify_depth", given.ssl_verify_depth)
    add(pairs_of, "client_certificate", given.ssl_client_certificate)
    add(pairs_of, "trusted_certificate", given.ssl_trusted_certificate)
    add(pairs_of, "crl", given.ssl_crl)
    add(pairs_of, "session_timeout", given.ssl_session_timeout)
    add(pairs_of, "session_tickets", given.ssl_session_tickets)
    add(pairs_of, "keeps_sessions", hooks.ssl_session_store ~= nil
        or hooks.ssl_session_fetch ~= nil)
    return pairs_of
end


function _M.prepare(server, hooks)
    local given = server.base.settings
    if #(given.ssl_certificate or {}) == 0 and not given.ssl_reject_handshake
    then
        return
    end
    local context, err = tls.server_context(unpack(context_settings(given,
                                                                  hooks)))
    if not context then
        error(err, 0)
    end
    server.tls_context = context
end


return _M
