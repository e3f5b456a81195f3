-- The request body goes to the upstream as it comes: proxy_request_buffering
-- off.
--
--   is_wanted(settings)   whether a location wants that
--   read(r)               reads what has come: true | nil, code
--   start(r, u, head)     begins to send it behind the head of the request:
--                         true | nil, err as exchange.attempt
--   stop(u)               ends that
--   forget(u)             no upstream takes it: what is left is thrown away
--
-- Rules:
--
-- 1. What has come is read before an upstream is asked, up to
--    client_body_buffer_size. Where that is all it is a body like any other.
--    So is one in chunks for an upstream of HTTP/1.0, that of a subrequest,
--    and one that has been read.
-- 2. A light thread, u.sending, reads the client and writes to the upstream,
--    no faster than that takes it. The handler's own waits for the response,
--    by proxy_read_timeout from when all has been sent.
-- 3. Once any of it has been sent no other upstream is asked.
-- 4. A response may come first, and both go on. Where it is complete the rest
--    of the body is thrown away; the upstream's connection carries no other
--    request.
-- 5. What is wrong with the client's side of it ends the request: u.failure
--    is "over" and u.code the code. What is wrong with the upstream's does
--    where it does not answer: u.failure is what exchange.attempt returns.
--
-- Follows ngx_http_read_client_request_body,
-- ngx_http_read_unbuffered_request_body and
-- ngx_http_upstream_send_request_body.

local arm = require "resty_py.scheduler.deadlines".arm
local body = require "resty_py.request.body"
local clock = require "resty_py.clock"
local log = require "resty_py.log"
local scheduler = require "resty_py.scheduler"

local concat = table.concat
local format = string.format
local tostring = tostring
local wake = scheduler.wake

local INTERNAL_SERVER_ERROR = 500
local LAST_CHUNK = "0\r\n\r\n"

local _M = {}


function _M.is_wanted(settings)
    return not settings.proxy_request_buffering and not settings.proxy_set_body
        and settings.proxy_pass_request_body
end


-- Before an upstream is asked ------------------------------------------------


-- Returns what has come, and what stopped it: nil where all has.
local function take_ahead(r)
    local pieces, n, size = {}, 0, 0
    local limit = r.settings.client_body_buffer_size
    while size < limit and not body.is_whole(r) do
        local data, err = body.take(r, nil)
        if not data then
            return concat(pieces, "", 1, n), err
        end
        n = n + 1
        pieces[n] = data
        size = size + #data
    end
    return concat(pieces, "", 1, n), not body.is_whole(r) and "again" or nil
end


local function read_ahead(r)
    r.body_state = "reading"
    body.invite(r)
    local data, err = take_ahead(r)
    if err and err ~= "again" then
        return body.fail(r, err)
    elseif not err then
        r.body_state = "read"
    end
    r.body_data = data ~= "" and data or nil
    return true
end


function _M.read(r)
    if r.body_state ~= "unread"
        or r.head.chunked and r.settings.proxy_http_version ~= "1.1"
    then
        return body.read(r)
    end
    return read_ahead(r)
end


-- Sending --------------------------------------------------------------------


local function frame(r, data)
    if data ~= "" and r.head.chunked then
        data = format("%x\r\n", #data) .. data .. "\r\n"
    end
    return data
end


local function put_end(r, u)
    if r.head.chunked then
        return u:put(LAST_CHUNK)
    end
    return true
end


-- Returns what there is to send at once, behind the head | nil, err.
local function first_of(r, head)
    local data = head .. frame(r, r.body_data or "")
    r.body_data = nil
    if body.is_whole(r) then
        return data
    end
    local more, err = body.take(r, nil)
    if not more and err ~= "again" then
        return nil, err
    end
    return more and data .. frame(r, more) or data
end


-- Returns true | false, what failed of the upstream | nil, what failed of the
-- client.
local function send(r, u, head)
    local data, err = first_of(r, head)
    while data do
        local ok
        ok, err = u:put(data)
        if ok and body.is_whole(r) then
            ok, err = put_end(r, u)
            return ok or false, err
        elseif not ok then
            return false, err
        end
        data, err = body.take(r, r.settings.client_body_timeout)
        data = data and frame(r, data)
    end
    return nil, err
end


-- The time that the upstream may take to answer begins.
local function await_answer(u)
    local timer = u.connection.read_timer
    if timer.waiter and not u.head then
        arm(timer, clock.mono + u:read_patience(), timer.waiter)
    end
end


-- From now on nothing hides that the client leaves.
local function all_sent(r, u)
    u.is_unsent = false
    r.body_state = "sent"
    await_answer(u)
    local watcher = r.connection.watcher
    if watcher and r.connection.ended then
        wake(watcher)
    end
end


-- Ends the request with a code.
local function give_up(u, code)
    u.failure, u.code = "over", code
    return u:release()
end


local function upstream_failed(r, u, err)
    r.body_state = "discarded"
    if not u.head then
        await_answer(u)
        return u:sending_failed(err)
    end
end


local function ended(thread, ok, result, err)
    local r = thread.request
    local u = r.body_receiver
    if r.threads then
        r.threads[thread] = nil
    end
    u.sending = nil
    if not ok then
        log.request(r, log.ALERT, "internal error: " .. tostring(result) .. err)
        give_up(u, INTERNAL_SERVER_ERROR)
    elseif result then
        all_sent(r, u)
    elseif result == false then
        upstream_failed(r, u, err)
    else
        local _, code = body.fail(r, err)
        give_up(u, code)
    end
    r.body_receiver = nil
end


function _M.start(r, u, head)
    u.is_unsent = true
    r.body_receiver = u
    local thread = scheduler.start(r, nil, ended, send, r, u, head)
    if not thread.dead then
        u.sending = thread
        r.threads = r.threads or {}
        r.threads[thread] = true
    end
    return not u.failure or nil, u.failure
end


function _M.forget(u)
    local r = u.request
    if u.is_streamed and r.body_state == "reading" then
        r.body_state, r.body_data = "discarded", nil
    end
end


function _M.stop(u)
    local thread, r = u.sending, u.request
    u.sending = nil
    r.body_receiver = nil
    r.body_state = "discarded"
    if r.threads then
        r.threads[thread] = nil
    end
    scheduler.kill(thread)
end


return _M
