-- mk.cookies: those that the client sends, and those that it is to keep.
--
--   get_cookies()    table: name -> value
--   set_cookie {     tells the client to keep a cookie
--     name, value    strings
--     path           string; "/" before it where it has none, "/" by default
--     domain         string
--     expiry         seconds since the epoch
--     secure, httponly   booleans
--   }

local concat = table.concat
local error = error
local gmatch = string.gmatch
local ngx = ngx
local sub = string.sub
local tonumber = tonumber
local tostring = tostring
local type = type

local _M = {}


local function get_cookies()
    local found = {}
    for name, value in gmatch(ngx.var.http_cookie or "",
                              "([^%s;=]+)%s*=%s*([^;]*)") do
        found[name] = value
    end
    return found
end


local function with_slash(path)
    return sub(path, 1, 1) == "/" and path or "/" .. path
end


local function text_of(cookie)
    local parts = {cookie.name .. "=" .. tostring(cookie.value or "")}
    parts[2] = "Path=" .. with_slash(cookie.path or "")
    if cookie.domain then
        parts[#parts + 1] = "Domain=" .. cookie.domain
    end
    if cookie.expiry then
        parts[#parts + 1] = "Expires="
            .. ngx.cookie_time(tonumber(cookie.expiry))
    end
    parts[#parts + 1] = cookie.secure and "Secure" or nil
    parts[#parts + 1] = cookie.httponly and "HttpOnly" or nil
    return concat(parts, "; ")
end


-- new_cookies: array that set_cookie adds lines to.
function _M.new(new_cookies)
    local function set_cookie(cookie)
        if type(cookie) ~= "table" or type(cookie.name) ~= "string" then
            error("bad argument #1 to 'set_cookie' (table with a name "
                  .. "expected)", 2)
        end
        new_cookies[#new_cookies + 1] = text_of(cookie)
    end
    return {get_cookies = get_cookies, set_cookie = set_cookie}
end


return _M
