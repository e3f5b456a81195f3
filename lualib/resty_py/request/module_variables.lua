-- Variables of nginx's modules that have no directives here: what nginx gives
-- while nothing of theirs is configured.
--
--   getters      name -> f(r), a string, or nil where it has no value
--   changeable   set of those that a directive may define anew
--   fixed        set of nginx's own names among those that begin as a prefix
--   prefixes     array of {beginning of names, f(rest) -> f(r)}
--
-- A space in front of a name hides it from Lua: see resty_py/conf/variables.py.
--
-- Follows the modules' ngx_http_variable_t tables.

local gzip_ratio = require "resty_py.modules.gzip".ratio
local native = require "resty_py.native"
local proxy = require "resty_py.modules.proxy.variables"
local referer = require "resty_py.modules.referer"
local strftime = require "resty_py.modules.set_misc.strftime"
local clock = require "resty_py.clock"

local find = string.find
local floor = math.floor
local format = string.format
local gmatch = string.gmatch
local ipairs = ipairs
local pairs = pairs
local select = select
local sub = string.sub

-- What the SSI module writes dates by where nothing else is said.
local DATE_FORMAT = "%A, %d-%b-%Y %H:%M:%S %Z"

-- Those that have no value.
local ABSENT = [[
    slice_range uid_got uid_set upstream_cache_status
]]

-- Those of connections over TLS, which may be defined anew.
local TLS = [[
    ssl_protocol ssl_cipher ssl_ciphers
    ssl_curve ssl_curves ssl_session_id ssl_session_reused ssl_early_data
    ssl_server_name ssl_alpn_protocol ssl_client_cert ssl_client_raw_cert
    ssl_client_escaped_cert ssl_client_s_dn ssl_client_i_dn
    ssl_client_s_dn_legacy ssl_client_i_dn_legacy ssl_client_serial
    ssl_client_fingerprint ssl_client_verify ssl_client_v_start
    ssl_client_v_end ssl_client_v_remain
]]

local FIXED = [[
    http_host http_user_agent http_referer http_via http_x_forwarded_for
    http_cookie sent_http_content_type sent_http_content_length
    sent_http_location sent_http_last_modified sent_http_connection
    sent_http_keep_alive sent_http_transfer_encoding sent_http_cache_control
    sent_http_link
]]

local getters, changeable, fixed = {}, {}, {}


local function absent()
    return nil
end


local function empty()
    return ""
end


-- The value of an ssl_ variable, by the rest of its name.
local function of_tls(name)
    return function(r)
        local ssl = r.connection.ssl
        return ssl and native.tls.variable(ssl, name) or nil
    end
end


for name in gmatch(ABSENT, "%S+") do
    getters[name] = absent
end
for name in gmatch(TLS, "%S+") do
    getters[name], changeable[name] = of_tls(sub(name, 5)), true
end
for name, getter in pairs(proxy.getters) do
    getters[name] = getter
end
changeable[" proxy_host"], changeable[" proxy_port"] = true, true
getters[" gzip_ratio"] = gzip_ratio
for name in gmatch(FIXED, "%S+") do
    fixed[name] = true
end


-- The PROXY protocol --------------------------------------------------------


-- What the proxy has told of the connection, by its name there.
local function told(key)
    return function(r)
        local proxied = r.downstream.proxied
        return proxied and proxied[key]
    end
end


local function told_port(key)
    return function(r)
        local proxied = r.downstream.proxied
        local port = proxied and proxied[key]
        return port and (port > 0 and format("%d", port) or "")
    end
end


-- Browsers ------------------------------------------------------------------


local function user_agent(r)
    local fields = r.head.fields
    for i = 1, fields.n do
        if fields[i].lower == "user-agent" then
            return fields[i].value
        end
    end
    return ""
end


-- Follows ngx_http_process_user_agent.
local function msie(r)
    local agent = user_agent(r)
    local at = find(agent, "MSIE ", 1, true)
    local is_msie = at and at + 6 < #agent
        and not find(agent, "Opera", 1, true)
    return is_msie and "1" or ""
end


-- Connections ---------------------------------------------------------------


-- It leans on those who lean on this module.
local statistics


-- A request that is being logged writes no more.
local function connections(count)
    return function(r)
        statistics = statistics or require "resty_py.http.statistics"
        local active, writing, waiting = statistics.read()
        local over = r.phase == "log" and 1 or 0
        return format("%d", count(active, writing - over, waiting))
    end
end


-- Part of what the kernel knows of the connection: rtt, rttvar, snd_cwnd,
-- rcv_space.
local function tcp_info(place)
    return function(r)
        local fd = r.connection.fd
        local value = fd and select(place, native.net.tcp_info(fd))
        return value and format("%d", value)
    end
end


-- The others ----------------------------------------------------------------


local function date(is_utc)
    return function()
        return strftime(DATE_FORMAT, floor(clock.wall), is_utc)
    end
end


local OTHERS = {
    ancient_browser = function() return "1" end,
    modern_browser = empty,
    http2 = empty,
    uid_reset = empty,
    msie = msie,
    invalid_referer = referer.invalid,
    connections_active = connections(function(active) return active end),
    connections_reading = connections(function() return 0 end),
    connections_writing = connections(function(_, writing)
        return writing
    end),
    connections_waiting = connections(function(_, _, waiting)
        return waiting
    end),
    limit_conn_status = function(r) return (r.main or r).limit_conn_status end,
    limit_req_status = function(r) return (r.main or r).limit_req_status end,
    date_gmt = date(true),
    date_local = date(false),
    proxy_protocol_addr = told("addr"),
    proxy_protocol_port = told_port("port"),
    proxy_protocol_server_addr = told("server_addr"),
    proxy_protocol_server_port = told_port("server_port"),
    [" fastcgi_path_info"] = empty,
    [" fastcgi_script_name"] = function(r) return r.uri end,
    tcpinfo_rtt = tcp_info(1),
    tcpinfo_rttvar = tcp_info(2),
    tcpinfo_snd_cwnd = tcp_info(3),
    tcpinfo_rcv_space = tcp_info(4),
}

for name, getter in pairs(OTHERS) do
    getters[name] = getter
end
for _, name in ipairs {"ancient_browser", "modern_browser", "msie",
                       "invalid_referer", "uid_reset"} do
    changeable[name] = true
end

return {getters = getters, changeable = changeable, fixed = fixed,
        prefixes = proxy.prefixes}
