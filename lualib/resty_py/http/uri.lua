-- Request targets: $uri, $args and $request_uri from what the client sent.
--
-- Source: RFC 9112 section 3.2, read as ngx_http_parse_request_line and
-- ngx_http_parse_complex_uri read it. Rules:
--
-- 1. origin-form ("/path?args") and absolute-form ("scheme://host/path") are
--    taken; anything else is an invalid request. nginx refuses CONNECT and
--    "OPTIONS *", so authority-form and asterisk-form have no meaning here.
-- 2. The path is percent-decoded once. Then "." and ".." segments are
--    resolved and, unless merge_slashes is off, empty segments dropped. A
--    decoded "/" or "." counts as one; a decoded "%", "?" or "#" is a letter.
-- 3. A ".." above the root, a bad escape and %00 make the request invalid.
-- 4. The arguments stay as they came, up to a "#".

local byte = string.byte
local char = string.char
local concat = table.concat
local find = string.find
local format = string.format
local gsub = string.gsub
local match = string.match
local sub = string.sub
local tonumber = tonumber

local SLASH, DOT = byte("/.", 1, 2)
-- Dots at the start of a segment that begin no extension: nginx looks for
-- "." and ".." there.
local LEADING_DOTS = 3

local _M = {}


-- Splitting a target -------------------------------------------------------


local HOST = "^[A-Za-z0-9.%-]*()"
local IP_LITERAL = "^%[[A-Za-z0-9:%-._~!$&'()*+,;=]*%]()"


local function split_absolute(target)
    local start = match(target, "^[A-Za-z][A-Za-z0-9+.%-]*://()")
    if not start then
        return nil
    end
    local stop = match(target, IP_LITERAL, start)
        or match(target, HOST, start)
    local path = match(target, "^:[0-9]*()", stop) or stop
    local rest = sub(target, path)
    if rest ~= "" and not find(rest, "^[/?]") then
        return nil
    end
    return rest, sub(target, start, stop - 1)
end


-- Splits a target, a string without spaces and control characters.
-- Returns $request_uri, and the host where the target names one | nil.
-- $request_uri is "" where the target ends with its authority.
function _M.split(target)
    if byte(target, 1) == SLASH then
        return target
    end
    return split_absolute(target)
end


-- Normalizing a path -------------------------------------------------------


local function decode_byte(hex)
    return char(tonumber(hex, 16))
end


local function decode(path)
    if find(gsub(path, "%%%x%x", ""), "%", 1, true)
       or find(path, "%00", 1, true) then
        return nil
    end
    return (gsub(path, "%%(%x%x)", decode_byte))
end


-- Applies one segment to the stack; `last` says that no "/" follows it.
-- Returns the new height, or nil where the path leaves the root.
local function push(stack, n, segment, last, merge_slashes)
    if segment == ".." then
        if n == 0 then
            return nil
        end
        n = n - 1
    elseif segment ~= "." and (segment ~= "" or not (merge_slashes or last))
    then
        stack[n + 1] = segment
        return n + 1
    end
    if last then
        stack[n + 1] = ""
        return n + 1
    end
    return n
end


local function resolve(path, merge_slashes)
    local stack, n, from = {}, 0, 2
    repeat
        local slash = find(path, "/", from, true)
        local segment = sub(path, from, (slash or 0) - 1)
        n = push(stack, n, segment, not slash, merge_slashes)
        if not n then
            return nil
        end
        from = slash and slash + 1
    until not from
    return "/" .. concat(stack, "/", 1, n)
end


-- Returns the index of the last dot behind the last slash, and that of the
-- slash; nil for what is not there.
local function last_dot(path)
    local dot
    for i = #path, 1, -1 do
        local code = byte(path, i)
        if code == SLASH then
            return dot, i
        elseif code == DOT and not dot then
            dot = i
        end
    end
    return dot, nil
end


-- Whether only dots are between two indexes, and fewer than LEADING_DOTS.
local function is_leading(path, slash, dot)
    if dot - slash > LEADING_DOTS then
        return false
    end
    for i = slash + 1, dot - 1 do
        if byte(path, i) ~= DOT then
            return false
        end
    end
    return true
end


-- Whether a dot begins an extension. In a path without a slash, as try_files
-- makes one, nginx does not look at the first two bytes.
local function begins_extension(path, dot, slash)
    if dot == #path then
        return false
    elseif slash then
        return not is_leading(path, slash, dot)
    end
    return dot > 2
end


-- Returns the extension of the last segment of a path, or nil.
local function extension(path)
    if not find(path, ".", 1, true) then
        return nil
    end
    local dot, slash = last_dot(path)
    if dot and begins_extension(path, dot, slash) then
        return sub(path, dot + 1)
    end
end


_M.extension = extension


local function is_plain(path)
    return not (find(path, "%", 1, true) or find(path, "//", 1, true)
                or find(path, "/.", 1, true))
end


-- Returns path, args | path without args.
local function cut_args(request_uri)
    local fragment = find(request_uri, "#", 1, true)
    local whole = fragment and sub(request_uri, 1, fragment - 1) or request_uri
    local question = find(whole, "?", 1, true)
    if not question then
        return whole
    elseif question == #whole and not fragment then
        return sub(whole, 1, question - 1)
    end
    return sub(whole, 1, question - 1), sub(whole, question + 1)
end


-- Normalizes $request_uri.
-- Returns $uri, $args or nil, and the extension of the last segment or nil |
-- nil where nginx finds the request invalid.
function _M.normalize(request_uri, merge_slashes)
    local path, args = cut_args(request_uri)
    if path == "" then
        path = "/"
    elseif not is_plain(path) then
        path = decode(path)
        path = path and resolve(path, merge_slashes)
        if not path then
            return nil
        end
    end
    return path, args, extension(path)
end


-- Reads a request target. merge_slashes: nginx's directive, default on.
-- Returns $uri, $args or nil, extension or nil, $request_uri, host or nil |
-- nil, 400.
function _M.parse(target, merge_slashes)
    if find(target, "[^!-~\128-\255]") then
        return nil, 400
    end
    local request_uri, host = _M.split(target)
    if not request_uri then
        return nil, 400
    elseif request_uri == "" then
        request_uri = "/"
    end
    local path, args, exten = _M.normalize(request_uri, merge_slashes ~= false)
    if not path then
        return nil, 400
    end
    return path, args, exten, request_uri, host
end


-- Escaping -----------------------------------------------------------------


local function escape_byte(letter)
    return format("%%%02X", byte(letter))
end


-- Escapes a path for a Location header (ngx_escape_uri, NGX_ESCAPE_URI).
function _M.escape(path)
    return (gsub(path, '[^!$&-;=@-Z%[%]_a-z~]', escape_byte))
end


-- Escapes a text for the arguments of a URI (NGX_ESCAPE_ARGS).
function _M.escape_args(text)
    return (gsub(text, "[^!$'-*,-:=@-Z%[%]_a-z~]", escape_byte))
end


return _M
