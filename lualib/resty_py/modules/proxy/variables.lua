-- The variables of the proxy and upstream modules.
--
--   getters    name -> f(r), a string or nil
--   prefixes   array of {beginning, f(rest of the name) -> f(r)}
--
-- What is noted of several attempts is parted by commas; that of an upstream
-- which was asked after an internal redirect, by a colon.
--
-- Follows ngx_http_upstream_vars and ngx_http_proxy_vars.

local heads = require "resty_py.modules.proxy.head"
local named_values = require "resty_py.request.named_values"

local concat = table.concat
local format = string.format
local gsub = string.gsub

local _M = {getters = {}, prefixes = {}}


-- Joins what show(state) gives of each attempt; "-" where that is nil.
local function of_states(show)
    return function(r)
        local states = r.upstream and r.upstream.states
        if not states or #states == 0 then
            return nil
        end
        local texts = {show(states[1]) or "-"}
        for i = 2, #states do
            local state = states[i]
            local text = show(state) or "-"
            texts[i] = state.addr == "" and " : "
                or texts[i - 1] == " : " and text or ", " .. text
        end
        return concat(texts)
    end
end


local function seconds(name)
    return of_states(function(state)
        return state[name] and format("%.3f", state[name])
    end)
end


local function bytes(name)
    return of_states(function(state)
        return format("%d", state[name])
    end)
end


local function of_address(show)
    return function(r)
        local address = r.upstream and r.upstream.address
        return address and show(address)
    end
end


_M.getters = {
    upstream_addr = of_states(function(state) return state.addr end),
    upstream_status = of_states(function(state)
        return state.status and format("%d", state.status)
    end),
    upstream_connect_time = seconds("connect"),
    upstream_header_time = seconds("header"),
    upstream_response_time = seconds("response"),
    upstream_response_length = bytes("length"),
    upstream_bytes_received = bytes("received"),
    upstream_bytes_sent = bytes("sent"),
    [" proxy_host"] = of_address(function(address)
        return address.authority
    end),
    [" proxy_port"] = of_address(function(address)
        return address.port and format("%d", address.port) or ""
    end),
}


local function head_of(r)
    return r.upstream and r.upstream.head
end


local function header(rest)
    local key = gsub(rest, "_", "-")
    return function(r)
        local head = head_of(r)
        return head and heads.find(head, key)
    end
end


local function cookie(rest)
    return function(r)
        local head = head_of(r)
        for i = 1, head and head.n or 0 do
            local field = head.fields[i]
            if field.key == "set-cookie" then
                local value = named_values.cookie(field.value, rest)
                if value then
                    return value
                end
            end
        end
    end
end


_M.prefixes = {
    {"upstream_http_", header},
    {"upstream_cookie_", cookie},
}


return _M
