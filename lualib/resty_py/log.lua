-- The error log: nginx's levels and the suffixes that say for whom a line
-- was written.
--
--   enabled(level, settings), level(settings)
--                                     what is kept where they are in force
--   write(level, text)                a line of the worker's own
--   plain(downstream, level, text)    one that names the client itself
--   connection(downstream, level, text)   "…, client: A, server: L", which
--                                     is where it listens
--   head(downstream, head, level, text)   "…, client: A, server: B,
--                                     request: "…", host: "…",
--                                     referrer: "…""
--   debug(r, text), debugs(r)         one of level debug; whether they are kept
--   is_debug(settings)                whether they are where it is in force
--   handler(r, title)                 one for a handler that is to run
--   request(r, level, text)           the same, or "…, context: ngx.timer,
--                                     client: A, server: L" for a timer's
--
-- Where the settings of a request name an error log of their own, its lines go
-- there. What a client sent is escaped before it reaches a line
-- (ngx_http_log_error_handler, ngx_log.c).

local address = require "resty_py.net.address"
local native = require "resty_py.native"

local are_plain = require "resty_py.http.octets".are_plain
local byte = string.byte
local format = string.format
local gsub = string.gsub
local sub = string.sub
local type = type
local upper = string.upper

local _M = {STDERR = 0, EMERG = 1, ALERT = 2, CRIT = 3, ERR = 4, WARN = 5,
            NOTICE = 6, INFO = 7, DEBUG = 8}

local threshold = native.log.level()
local write = native.log.write


local function escape_byte(char)
    return format("\\x%02X", byte(char))
end


-- Escapes control bytes and quotes of what a client sent.
function _M.escape(text)
    if are_plain(text) then
        return text
    end
    return (gsub(text, '[%c"\\\127-\255]', escape_byte))
end


-- Escapes control bytes of a path that a client has named a part of: a line
-- stays one, and others read as nginx writes them.
function _M.path(text)
    return (gsub(text, "%c", escape_byte))
end


local escape = _M.escape


-- Whether lines of this level are kept where `settings` are in force.
function _M.enabled(level, settings)
    return level <= (settings and settings.error_level or threshold)
end


-- The least severe level that is kept there.
function _M.level(settings)
    return settings and settings.error_level or threshold
end


function _M.write(level, text)
    if level <= threshold then
        write(level, text)
    end
end


local function client(downstream, server)
    return ", client: " .. address.text(downstream.address) .. ", server: "
        .. server
end


-- What nginx adds for a system's error: " (104: Connection reset by peer)".
function _M.error_of(err, code)
    return format(" (%s: %s%s)", code or "-1", upper(sub(err, 1, 1)),
                  sub(err, 2))
end


-- What nginx says of a system call: "recv() failed (104: Connection reset…)".
--   code   the error's number, or what TLS says of it (net/tls.lua)
function _M.failed_call(name, err, code)
    if type(code) == "table" then
        return code.line
    end
    return name .. "() failed" .. _M.error_of(err, code)
end


function _M.plain(downstream, level, text)
    local settings = downstream.settings
    if level <= settings.error_level then
        write(level, text, downstream.number, settings.error_log_id)
    end
end


function _M.connection(downstream, level, text)
    return _M.plain(downstream, level,
                    text .. client(downstream, downstream.listener.name))
end


local function named(name, value)
    return value and ", " .. name .. ': "' .. escape(value) .. '"' or ""
end


local function referrer(head)
    local fields = head.fields
    for i = 1, fields.n do
        if fields[i].lower == "referer" then
            return fields[i].value
        end
    end
end


-- What a request is asked of, while one is: http://127.0.0.1:80/uri.
local function upstream_of(r)
    local u = r and r.upstream
    local to, state = u and u.address, u and u.state
    return to and state and state.addr ~= ""
        and to.scheme .. "://" .. state.addr .. (to.port and "" or ":") .. u.uri
end


local function write_head(downstream, settings, head, level, text, r)
    local line = head.request_line
    local subrequest = r and r.parent and r.uri
    write(level, text .. client(downstream, settings.server_name or "")
          .. named("request", line ~= "" and line)
          .. named("subrequest", subrequest)
          .. named("upstream", upstream_of(r))
          .. named("host", head.host_header)
          .. named("referrer", referrer(head)), downstream.number,
          settings.error_log_id)
end


function _M.head(downstream, head, level, text)
    local settings = downstream.settings
    if level <= settings.error_level then
        return write_head(downstream, settings, head, level, text)
    end
end


-- A line of nginx's own of level debug. It does not say for whom it is.
--   r   the request or timer that it is about, or nil
function _M.debug(r, text)
    local settings = r and r.settings
    if (settings and settings.error_level or threshold) == _M.DEBUG then
        local downstream = r and r.downstream
        write(_M.DEBUG, text, downstream and downstream.number
              or r and r.number, settings and settings.error_log_id)
    end
end


-- Whether they are kept, for who has to put one together.
function _M.debugs(r)
    return r.settings.error_level == _M.DEBUG
end


-- The same where `settings` are in force.
function _M.is_debug(settings)
    return settings.error_level == _M.DEBUG
end


-- The debug line of a handler about to run.
--   title   "lua rewrite handler", …
function _M.handler(r, title)
    local count = r.phase == "log" and 0 or 1
    return _M.debug(r, format('%s, uri:"%s" c:%d', title, r.uri,
                              count + ((r.main or r).live or 0)))
end


local function timer(r, level, text)
    local downstream = r.origin
    local line = text .. ", context: ngx.timer"
    if downstream then
        line = line .. client(downstream, downstream.listener.name)
    end
    write(level, line, r.number, r.settings.error_log_id)
end


-- What a line of a client's handshake tells of its phase.
local HANDSHAKE_CONTEXTS = {
    ssl_cert = "ssl_certificate_by_lua*",
    ssl_client_hello = "ssl_client_hello_by_lua*",
    ssl_session_fetch = "ssl_session_fetch_by_lua*",
    ssl_session_store = "ssl_session_store_by_lua*",
}


local function handshake(r, level, text)
    local downstream = r.downstream
    write(level, text .. ", context: " .. HANDSHAKE_CONTEXTS[r.phase]
          .. client(downstream, downstream.listener.name), r.number,
          r.settings.error_log_id)
end


-- What ends the lines of a worker's own handlers.
local WORKER_CONTEXTS = {init_worker = ", context: init_worker_by_lua*"}


-- A subrequest writes where its main request does.
function _M.request(r, level, text)
    local settings = (r.main or r).settings
    if level > settings.error_level then
        return
    elseif r.is_timer then
        return timer(r, level, text)
    elseif r.is_handshake then
        return handshake(r, level, text)
    elseif r.is_worker then
        return write(level, text .. (WORKER_CONTEXTS[r.phase] or ""))
    elseif r.phase == "log" and not r.parent then
        text = text .. " while logging request"
    elseif r.phase == "balancer" then
        text = text .. " while connecting to upstream"
    end
    return write_head(r.downstream, settings, r.head, level, text, r)
end


return _M
