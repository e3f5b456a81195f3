-- Targets of internal redirects and subrequests: "/path?args".
--
--   parse(r, text, quiet)   the path, decoded, and its arguments, nil
--                    without any | nil, where it is unsafe; the error log
--                    tells unless `quiet`
--
-- Unsafe are "..", NUL bytes and what has no path.
--
-- Follows ngx_http_parse_unsafe_uri.

local log = require "resty_py.log"
local unescape = require "resty_py.modules.unescape"

local find = string.find
local format = string.format
local sub = string.sub

local _M = {}


-- Whether two dots in the path are a segment of it.
local function climbs(path)
    return path == ".." or find(path, "^%.%./") or find(path, "/%.%./")
        or find(path, "/%.%.$")
end


local function is_unsafe(path)
    return path == "" or find(path, "\0", 1, true)
        or find(path, "..", 1, true) and climbs(path)
end


function _M.parse(r, text, quiet)
    local mark = find(text, "?", 1, true)
    local path = sub(text, 1, (mark or 0) - 1)
    if not is_unsafe(path) then
        path = unescape(path)
        if not is_unsafe(path) then
            return path, mark and sub(text, mark + 1) or nil
        end
    end
    if not quiet then
        log.request(r, log.ERR, format('unsafe URI "%s" was detected',
                                       log.escape(text)))
    end
end


return _M
