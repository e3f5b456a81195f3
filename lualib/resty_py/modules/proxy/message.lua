-- The request that goes to an upstream.
--
--   compile(settings)   what of it a location fixes: settings.proxy_message
--   uri(r, u)           its URI
--   head(r, u)          its request line and header lines
--   body_size(r, u)     bytes of its body
--   send_body(r, u)     hands its body to u:put(data) -> true | nil, err
--
-- Rules:
--
-- 1. Headers of proxy_set_header come first, then those that nginx sets where
--    they are not among them, then the client's but for those that were set.
--    One whose value is empty does not go.
-- 2. The URI is the client's own where proxy_pass gives none and nothing has
--    changed it; a part that proxy_pass gives takes the place of the location's
--    prefix; one with variables is taken as it is.
--
-- Follows ngx_http_proxy_create_request and ngx_http_proxy_init_headers.

local escape = require "resty_py.codec.uri".escape
local memo = require "resty_py.http.memo"
local template = require "resty_py.program.template"
local variables = require "resty_py.request.variables"

local compile = template.compile
local concat = table.concat
local format = string.format
local get = variables.get
local ipairs = ipairs
local lower = string.lower
local open = io.open
local recall = memo.recall
local store = memo.store
local sub = string.sub

-- NGX_ESCAPE_URI.
local WHOLE_URI = 0
-- Bytes of a body's file read at once.
local READ_SIZE = 65536
-- Blocks of header lines kept per generation and location.
local BLOCKS = 64

local _M = {}


-- The URI --------------------------------------------------------------------


-- Whether nothing has changed what the client asked for.
local function is_untouched(r)
    local line = r.head.line
    return not r.parent and r.uri == line.uri and r.args == line.args
end


function _M.uri(r, u)
    local given = u.address.uri
    if given ~= "" and u.is_variable then
        return given
    elseif given == "" and is_untouched(r) then
        return get(r, "request_uri")
    end
    -- What a rewrite has made is no part of the location any more.
    if r.uri_rewritten then
        given = ""
    end
    local prefix = given ~= "" and u.prefix or ""
    local uri = given .. escape(sub(r.uri, #prefix + 1), WHOLE_URI)
    if r.args and r.args ~= "" then
        uri = uri .. "?" .. r.args
    end
    return uri
end


-- Headers --------------------------------------------------------------------


local function body_length(r, u)
    if u.body then
        return format("%d", #u.body)
    end
    if u.is_streamed and r.head.chunked then
        return ""
    end
    local length = get(r, "content_length") or ""
    -- A body that was thrown away has none. A subrequest says what its parent
    -- has said, even without a body.
    if length ~= "" and not r.parent and not r.body_data and not r.body_file
        and not u.is_streamed
    then
        return "0"
    end
    return length
end


local function body_coding(r, u)
    return u.is_streamed and r.head.chunked and "chunked" or ""
end


local function empty()
    return ""
end


local DEFAULTS = {
    {"Host", function(_, u) return u.address.authority end},
    {"Connection", function() return "close" end},
    {"Content-Length", body_length},
    {"Transfer-Encoding", body_coding},
    {"TE", empty},
    {"Keep-Alive", empty},
    {"Expect", empty},
    {"Upgrade", empty},
}


local function add(message, name, value)
    local key = lower(name)
    message.headers[#message.headers + 1] = {name = name .. ": ", value = value}
    message.set[key] = true
end


function _M.compile(settings)
    local message = {headers = {}, set = {}, joined = memo.new(BLOCKS)}
    message.version = " HTTP/" .. settings.proxy_http_version .. "\r\n"
    for _, header in ipairs(settings.proxy_set_header or {}) do
        add(message, header.name, compile(header.value))
    end
    for _, default in ipairs(DEFAULTS) do
        if not message.set[lower(default[1])] then
            add(message, default[1], default[2])
        end
    end
    message.body = settings.proxy_set_body and compile(settings.proxy_set_body)
    message.method = settings.proxy_method and compile(settings.proxy_method)
    return message
end


local function put_own(lines, n, r, u, message)
    for i = 1, #message.headers do
        local header = message.headers[i]
        local value = header.value(r, u)
        if value ~= "" then
            lines[n + 1], lines[n + 2] = header.name, value
            lines[n + 3] = "\r\n"
            n = n + 3
        end
    end
    return n
end


-- Returns the lines of the client's fields that go on as they are.
local function join_clients(fields, message)
    local pieces, n = {}, 0
    for i = 1, fields.n do
        local field = fields[i]
        if not message.set[field.lower] then
            pieces[n + 1], pieces[n + 2] = field.name, ": "
            pieces[n + 3], pieces[n + 4] = field.value, "\r\n"
            n = n + 4
        end
    end
    return concat(pieces, "", 1, n)
end


-- The same, through a memory: fields that requests share never change.
local function clients_lines(r, message)
    local fields = r.head.fields
    if fields.owner then
        return join_clients(fields, message)
    end
    return recall(message.joined, fields)
        or store(message.joined, fields, join_clients(fields, message))
end


function _M.head(r, u)
    local settings = r.settings
    local message = settings.proxy_message
    u.body = message.body and message.body(r)
    u.method = message.method and message.method(r) or r.method
    local lines = {u.method, " ", u.uri, message.version, nil, nil, nil, nil,
                   nil, nil, nil, nil}
    local n = put_own(lines, 4, r, u, message)
    if settings.proxy_pass_request_headers then
        n = n + 1
        lines[n] = clients_lines(r, message)
    end
    lines[n + 1] = "\r\n"
    return concat(lines, "", 1, n + 1)
end


-- The body -------------------------------------------------------------------


local function send_file(path, u)
    local file, err = open(path, "rb")
    if not file then
        return nil, err
    end
    local ok = true
    repeat
        local data = file:read(READ_SIZE)
        if data then
            ok, err = u:put(data)
        end
    until not data or not ok
    file:close()
    return ok, err
end


function _M.send_body(r, u)
    if u.body == "" then
        return true
    elseif u.body then
        return u:put(u.body)
    elseif not r.settings.proxy_pass_request_body then
        return true
    elseif r.body_data then
        return u:put(r.body_data)
    elseif r.body_file then
        return send_file(r.body_file, u)
    end
    return true
end


return _M
