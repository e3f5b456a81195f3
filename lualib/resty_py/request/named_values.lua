-- One value out of a string of named ones, without reading the others.
--
--   arg(args, name)       of a query string, as it came: $arg_NAME
--   cookie(header, name)  of a Cookie header: $cookie_NAME
--
-- Names compare without case; `name` is in lower case. Both return a string,
-- or nil where the name is not there.
--
-- Follow ngx_http_arg and ngx_http_parse_multi_header_lines.

local byte = string.byte
local find = string.find
local lower = string.lower
local match = string.match
local sub = string.sub

local AMPERSAND = byte("&")

local _M = {}


function _M.arg(args, name)
    local wanted = name .. "="
    local text = lower(args)
    local first, last = find(text, wanted, 1, true)
    while first do
        if first == 1 or byte(text, first - 1) == AMPERSAND then
            local stop = find(text, "&", last + 1, true)
            return sub(args, last + 1, stop and stop - 1)
        end
        first, last = find(text, wanted, first + 1, true)
    end
end


-- Where the next cookie begins behind `from`, or nil.
local function next_cookie(header, from)
    return match(header, "^[^;,]*[;,] *()", from)
end


function _M.cookie(header, name)
    local text = lower(header)
    local length = #name
    local from = 1
    while from and from <= #header do
        if sub(text, from, from + length - 1) == name then
            local value = match(header, "^ *= *([^;]*)", from + length)
            if value then
                return value
            end
        end
        from = next_cookie(header, from)
    end
end


return _M
