-- The variables of nginx's core: name -> f(r), a string, or nil without value.
--
--   getters      by name
--   prefixes     {beginning, f(rest of the name) -> f(r)}: $http_NAME and so on
--   changeable   set of those that a directive may define anew
--   bytes_sent(r)   how much of a response the kernel has taken
--
-- Follows ngx_http_variables.c.

local clock = require "resty_py.clock"
local credentials = require "resty_py.request.credentials"
local files = require "resty_py.native".files
local httptime = require "resty_py.codec.httptime"
local module_variables = require "resty_py.request.module_variables"
local named_values = require "resty_py.request.named_values"
local native = require "resty_py.native"
local path = require "resty_py.static.path"
local peer = require "resty_py.request.remote".peer
local remote = require "resty_py.request.remote".of
local version = require "resty_py.version"

local byte = string.byte
local concat = table.concat
local floor = math.floor
local format = string.format
local gsub = string.gsub
local join = require "resty_py.request.headers".join
local max = math.max
local open = io.open
local ipairs = ipairs
local pairs = pairs

-- Random bytes of $request_id.
local ID_SIZE = 16

-- A float of milliseconds may lie this much below the whole number it means.
local SLACK = 0.001


-- Seconds as nginx writes them, cut to milliseconds.
local function seconds(number)
    return format("%.3f", floor(number * 1000 + SLACK) / 1000)
end


-- The connection ------------------------------------------------------------


local function port_text(port)
    return port and port > 0 and format("%d", port) or ""
end


-- Our own end of the connection: {host, port}.
local function own(r)
    local downstream = r.downstream
    local found = downstream.own
    if not found and r.connection.fd then
        local host, port = native.net["local"](r.connection.fd)
        found = {host = host, port = port}
        downstream.own = found
    end
    return found or {}
end


-- Sizes and times -----------------------------------------------------------


local function bytes_sent(r)
    return r.sent - r.downstream:unsent()
end


local function body_bytes_sent(r)
    return format("%d", max(0, bytes_sent(r) - r.head_size))
end


local function head_length(head)
    return head.buffer and head.next - head.first or 0
end


local function request_time(r)
    return seconds(max(0, clock.mono - r.start_mono))
end


local random


local function request_id(r)
    local id = r.id
    if not id then
        random = random or open("/dev/urandom", "rb")
        id = gsub(random:read(ID_SIZE), ".", function(letter)
            return format("%02x", byte(letter))
        end)
        r.id = id
    end
    return id
end


-- The request ---------------------------------------------------------------


local PROTOCOLS = {[10] = "HTTP/1.0", [11] = "HTTP/1.1"}


local function server_protocol(r)
    local number = r.version
    return PROTOCOLS[number]
        or number > 9 and format("HTTP/1.%d", number - 10) or nil
end


local function content_length(r)
    local value = join(r.head, "content-length", ", ")
    local state = r.body_state
    if value or not r.head.chunked or state ~= "read" and state ~= "sent" then
        return value
    elseif state == "sent" then
        return format("%d", r.chunk_state.received)
    elseif r.body_file then
        return format("%d", files.size(r.body_file) or 0)
    end
    return format("%d", #(r.body_data or ""))
end


local function request_body(r)
    local head = r.head
    if not r.body_data and not r.body_file and r.body_state == "read"
       and (head.content_length or head.chunked)
    then
        return ""
    end
    return r.body_data
end


local function remote_user(r)
    return (credentials(r))
end


local function status(r)
    local code = r.err_status or r.status
    if code == 0 and r.version == 9 then
        code = 9
    end
    return format("%03d", code)
end


local function query(r)
    return r.args
end


local BUILTIN = {
    request = function(r) return r.head.request_line end,
    request_method = function(r) return (r.main or r).method end,
    request_uri = function(r) return r.head.line.request_uri end,
    uri = function(r) return r.uri end,
    document_uri = function(r) return r.uri end,
    args = query,
    query_string = query,
    is_args = function(r)
        return r.args and r.args ~= "" and "?" or ""
    end,
    server_protocol = server_protocol,
    scheme = function(r)
        return r.downstream.is_tls and "https" or "http"
    end,
    https = function(r) return r.downstream.is_tls and "on" or "" end,
    host = function(r)
        return r.head.host or r.settings.server_name or ""
    end,
    content_type = function(r) return join(r.head, "content-type", ", ") end,
    content_length = content_length,
    remote_user = remote_user,
    request_body = request_body,
    request_body_file = function(r) return r.body_file end,
    request_id = request_id,
    request_length = function(r)
        return r.parent and "0"
            or format("%d", head_length(r.head) + r.received)
    end,
    request_time = request_time,
    request_completion = function(r)
        return r.eof and not r.parent and "OK" or ""
    end,
    document_root = path.document_root,
    realpath_root = path.realpath_root,
    request_filename = path.request_filename,

    remote_addr = function(r) return remote(r).host end,
    remote_port = function(r) return port_text(remote(r).port) end,
    binary_remote_addr = function(r) return remote(r).binary end,
    realip_remote_addr = function(r) return peer(r).host end,
    realip_remote_port = function(r) return port_text(peer(r).port) end,
    server_addr = function(r) return own(r).host end,
    server_port = function(r) return port_text(own(r).port) end,
    server_name = function(r) return r.settings.server_name or "" end,
    connection = function(r) return format("%d", r.downstream.number) end,
    connection_requests = function(r)
        return format("%d", r.downstream.requests)
    end,
    connection_time = function(r)
        return seconds(clock.mono - r.downstream.opened)
    end,
    pipe = function(r) return r.downstream.pipelined and "p" or "." end,

    status = status,
    bytes_sent = function(r) return format("%d", bytes_sent(r)) end,
    body_bytes_sent = body_bytes_sent,
    limit_rate = function(r) return format("%d", r.limit_rate or 0) end,

    msec = function() return seconds(clock.wall) end,
    time_local = function() return httptime.access_stamp(clock.wall) end,
    time_iso8601 = function() return httptime.iso8601_stamp(clock.wall) end,
    hostname = function() return native.worker.hostname() end,
    pid = function() return format("%d", native.worker.pid()) end,
    nginx_version = function() return version.nginx end,
}


-- Those of modules without directives here ----------------------------------


local changeable = module_variables.changeable

for name, getter in pairs(module_variables.getters) do
    BUILTIN[name] = getter
end


BUILTIN[" proxy_add_x_forwarded_for"] = function(r)
    local given = join(r.head, "x-forwarded-for", ", ")
    local host = remote(r).host
    return given and given .. ", " .. host or host
end


-- The response --------------------------------------------------------------


-- While a request is logged its connection is not known to be kept.
local function is_kept_alive(r)
    return r.keepalive and r.phase ~= "log"
end


local function sent_connection(r)
    return r.status == 101 and "upgrade"
        or is_kept_alive(r) and "keep-alive" or "close"
end


-- Those of $sent_http_NAME that the server writes of its own.
local SENT = {
    ["content-type"] = function(r)
        return r.content_type ~= "" and r.content_type or nil
    end,
    ["content-length"] = function(r)
        local value = r.headers and r.headers:get("content-length")
        return value or r.content_length and format("%d", r.content_length)
    end,
    ["transfer-encoding"] = function(r)
        return r.chunked and "chunked" or nil
    end,
    ["last-modified"] = function(r)
        local value = r.headers and r.headers:get("last-modified")
        return value
            or r.last_modified and httptime.http_time(r.last_modified)
    end,
    location = function(r)
        return r.sent_location or r.headers and r.headers:get("location")
    end,
    connection = sent_connection,
    ["keep-alive"] = function(r)
        local span = is_kept_alive(r) and r.settings.keepalive_header or 0
        return span > 0 and format("timeout=%d", span) or nil
    end,
}


local function sent_any(key)
    return function(r)
        if r.headers then
            local values, n = r.headers:get_all(key, r.headers.n)
            return n > 0 and concat(values, ", ") or nil
        end
    end
end


-- Names by their beginning --------------------------------------------------


local PREFIXES = {
    {"http_", function(rest)
        local key = gsub(rest, "_", "-")
        local separator = key == "cookie" and "; " or ", "
        return function(r)
            return join(r.head, key, separator)
        end
    end},
    {"arg_", function(rest)
        return function(r)
            local args = r.args
            return args and rest ~= "" and named_values.arg(args, rest) or nil
        end
    end},
    {"cookie_", function(rest)
        return function(r)
            local header = join(r.head, "cookie", "; ")
            return header and named_values.cookie(header, rest)
        end
    end},
    {"sent_trailer_", function(rest)
        local key = gsub(rest, "_", "-")
        return function(r) return r.trailers and r.trailers:get(key) end
    end},
    {"sent_http_", function(rest)
        local key = gsub(rest, "_", "-")
        return SENT[key] or sent_any(key)
    end},
}

for _, prefix in ipairs(module_variables.prefixes) do
    PREFIXES[#PREFIXES + 1] = prefix
end


return {getters = BUILTIN, prefixes = PREFIXES, changeable = changeable,
        bytes_sent = bytes_sent}
