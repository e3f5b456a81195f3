-- The variables of the echo module: name -> f(r), a string or nil.
--
-- Follows ngx_http_echo_var.c, ngx_http_echo_timer.c and
-- ngx_http_echo_request_info.c.

local clock = require "resty_py.clock"
local head_of = require "resty_py.http.head"

local floor = math.floor
local format = string.format
local max = math.max

-- A float of milliseconds may lie this much below the whole number it means.
local SLACK = 0.001

local _M = {}


function _M.echo_timer_elapsed(r)
    clock.refresh()
    local begun = r.echo and r.echo.begun or r.start_mono
    local ms = floor(max(0, clock.mono - begun) * 1000 + SLACK)
    return format("%d.%03d", floor(ms / 1000), ms % 1000)
end


function _M.echo_request_method(r)
    return r.method
end


function _M.echo_client_request_method(r)
    return (r.main or r).method
end


function _M.echo_request_uri(r)
    return r.uri
end


-- Keeps what it is when it is read first, whatever becomes of the URI.
function _M.echo_cacheable_request_uri(r)
    local vars = r.vars or {}
    r.vars = vars
    vars.echo_cacheable_request_uri = r.uri
    return r.uri
end


function _M.echo_request_body(r)
    return r.body_data
end


function _M.echo_client_request_headers(r)
    local head = (r.main or r).head
    return head.buffer and head_of.raw(head) or nil
end


function _M.echo_it(r)
    local state = r.echo
    return state and state.choices and state.choices[state.choice]
end


-- Counts in the main request, whose location must have an echo directive.
function _M.echo_incr(r)
    local state = (r.main or r).echo
    if not state then
        return nil
    end
    local counter = (state.counter or 0) + 1
    state.counter = counter
    return format("%d", counter)
end


function _M.echo_response_status(r)
    return r.status ~= 0 and format("%d", r.status) or nil
end


return _M
