-- The headers of an upstream's response become those of ours.
--
--   compile(settings)   which do not: settings.proxy_hidden, whether the type
--                       is among them: settings.proxy_hides_type, and which
--                       change: settings.proxy_rewritten
--   take(r, u)          takes them over, the status too
--   redirect(r, u)      those that go with X-Accel-Redirect
--   challenge(r, u)     WWW-Authenticate, for a 401 of our own
--
-- Follows ngx_http_upstream_process_headers and the table
-- ngx_http_upstream_headers_in.

local cookies = require "resty_py.modules.proxy.cookies"
local list_of = require "resty_py.http.header_list".of
local redirects = require "resty_py.modules.proxy.redirects"

local find = string.find
local gmatch = string.gmatch
local ipairs = ipairs
local lower = string.lower
local pairs = pairs
local tonumber = tonumber

local RATE = "^%d+$"
-- Past them numbers are not exact.
local RATE_DIGITS = 15

local HIDDEN = [[date server x-pad x-accel-expires x-accel-redirect
    x-accel-limit-rate x-accel-buffering x-accel-charset]]

-- Those that are about the connection with the upstream, or kept elsewhere.
local OWN = {connection = true, ["keep-alive"] = true,
             ["transfer-encoding"] = true, ["content-type"] = true,
             ["content-length"] = true}

local WITH_REDIRECT = {["set-cookie"] = true, ["content-disposition"] = true,
                       ["cache-control"] = true, expires = true,
                       ["accept-ranges"] = true}

local _M = {}


local function ignored(settings)
    local set = {}
    for _, name in ipairs(settings.proxy_ignore_headers or {}) do
        set[lower(name)] = true
    end
    return set
end


local function hidden_of(settings)
    local hidden = {}
    for name in gmatch(HIDDEN, "%S+") do
        hidden[name] = true
    end
    for _, name in ipairs(settings.proxy_hide_header or {}) do
        hidden[lower(name)] = true
    end
    for _, name in ipairs(settings.proxy_pass_header or {}) do
        hidden[lower(name)] = nil
    end
    settings.proxy_hides_type = hidden["content-type"]
    for name in pairs(OWN) do
        hidden[name] = true
    end
    return hidden
end


-- By name in lower case f(r, u, value) -> what takes the place of a value.
local function rewriters_of(settings)
    redirects.compile(settings)
    return {
        location = redirects.in_location,
        refresh = redirects.in_refresh,
        ["set-cookie"] = cookies.compile(settings),
    }
end


function _M.compile(settings)
    settings.proxy_hidden = hidden_of(settings)
    settings.proxy_ignored = ignored(settings)
    settings.proxy_rewritten = rewriters_of(settings)
end


-- Digits alone: a rate that is no number would never let a byte go.
local function limit_rate(r, u)
    local text = u.head.accel_limit_rate
    if text and find(text, RATE) and #text <= RATE_DIGITS
        and not r.settings.proxy_ignored["x-accel-limit-rate"]
    then
        r.limit_rate = tonumber(text)
    end
end


local function add(headers, r, u, field)
    local key, value = field.key, field.value
    local rewrite = r.settings.proxy_rewritten[key]
    return headers:add(field.name, rewrite and rewrite(r, u, value) or value,
                       key)
end


local BUFFERING = {yes = true, no = false}


local function is_buffered(r, u)
    local settings, text = r.settings, u.head.accel_buffering
    local asked
    if text and not settings.proxy_ignored["x-accel-buffering"] then
        asked = BUFFERING[lower(text)]
    end
    if asked == nil then
        return settings.proxy_buffering
    end
    return asked
end


function _M.take(r, u)
    local head, hidden = u.head, r.settings.proxy_hidden
    r.status = head.status
    r.reason, r.reason_status = head.reason, head.status
    r.content_type = not r.settings.proxy_hides_type and head.content_type
        or r.content_type or ""
    r.content_length = head.length
    r.is_unconditional = true
    limit_rate(r, u)
    u.is_buffered = is_buffered(r, u)
    local headers = list_of(r)
    for i = 1, head.n do
        local field = head.fields[i]
        if not hidden[field.key] then
            add(headers, r, u, field)
        end
    end
end


function _M.challenge(r, u)
    local head = u.head
    for i = 1, head.n do
        local field = head.fields[i]
        if field.key == "www-authenticate" then
            list_of(r):set(field.name, field.value, "www-authenticate")
            return
        end
    end
end


function _M.redirect(r, u)
    local head, headers = u.head, list_of(r)
    for i = 1, head.n do
        local field = head.fields[i]
        if field.key == "content-type" then
            r.content_type = field.value
        elseif WITH_REDIRECT[field.key] then
            add(headers, r, u, field)
        end
    end
end


return _M
