-- Output of the echo module's content handler.
--
--   open(r)         sends the headers, once
--   put(r, data)    puts out a piece of the body, which may be empty
--   flush(r)        hands down what has collected
--   clear_length(r) takes away what tells the length of the body
--
-- All but the last return nil, or the code that the request ends with.
--
-- Rules:
--
-- 1. A HEAD request gets its headers at once, and no body.
-- 2. Nothing is kept to be counted, even for HTTP/1.0: r.is_streamed.
-- 3. Nobody makes more than the client takes, and others get their turn.
--
-- Follows ngx_http_echo_send_header_if_needed.

local response = require "resty_py.http.response"
local spend = require "resty_py.scheduler".spend
local type_of = require "resty_py.static.mime".type_of

local ERROR = -1

local _M = {}


function _M.clear_length(r)
    r.content_length = nil
    r.allow_ranges = false
    local headers = r.headers
    if headers then
        headers:clear("content-length")
        headers:clear("accept-ranges")
    end
end


function _M.open(r)
    if r.headers_sent then
        return
    end
    r.status = r.settings.echo_status
    r.content_type = type_of(r)
    r.is_streamed = true
    _M.clear_length(r)
    local code = response.send_headers(r)
    if not code and r.header_only then
        response.flush(r)
    end
    return code
end


local open = _M.open


-- Waits while the client has taken little of what there is for it.
local function push_back(r)
    spend()
    local downstream = r.downstream
    if not (downstream.pending and downstream:is_congested())
       or not response.is_passed_on(r)
    then
        return
    end
    return not downstream:push_back(r.settings.output_low_water) and ERROR
        or nil
end


function _M.put(r, data)
    local code = open(r)
    if code or r.header_only or data == "" then
        return code
    elseif not response.write(r, data) then
        return ERROR
    end
    return push_back(r)
end


-- Before the headers there is nothing to hand down.
function _M.flush(r)
    if r.headers_sent and not response.flush(r) then
        return ERROR
    end
end


return _M
