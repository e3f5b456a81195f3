-- proxy_redirect: what Location and Refresh of an upstream become.
--
--   compile(settings)             readies it: settings.proxy_redirects
--   in_location(r, u, value)      what takes the place of a Location's value.
--                                 A path that does leaves as a whole URL:
--                                 http/redirection.lua
--   in_refresh(r, u, value)       what takes that of a Refresh
--
-- Follows ngx_http_proxy_rewrite_redirect.

local rewrites = require "resty_py.modules.proxy.rewrites"

local find = string.find
local ipairs = ipairs
local lower = string.lower
local sub = string.sub

local _M = {}


-- What "default" means: what proxy_pass gives is the location's prefix; where
-- it gives no URI, its root is ours.
local function default(_, u, text)
    local uri, prefix = u.address.uri, u.prefix or ""
    if uri == "" then
        uri, prefix = "/", "/"
    end
    local url = u.address.scheme .. "://" .. u.address.authority .. uri
    if not u.is_variable and sub(text, 1, #url) == url then
        return prefix .. sub(text, #url + 1)
    end
end


local COMPILE = {
    default = function() return default end,
    pair = rewrites.prefix,
    regex = rewrites.regex,
}


function _M.compile(settings)
    local rules = {}
    for i, rule in ipairs(settings.proxy_redirect) do
        rules[i] = COMPILE[rule.kind](rule)
    end
    settings.proxy_redirects = rules
end


local function apply(r, u, text)
    return rewrites.apply(r.settings.proxy_redirects, r, u, text) or text
end


function _M.in_refresh(r, u, value)
    local _, last = find(lower(value), "url=", 1, true)
    if not last then
        return value
    end
    return sub(value, 1, last) .. apply(r, u, sub(value, last + 1))
end


function _M.in_location(r, u, value)
    local found = apply(r, u, value)
    r.local_redirect = found ~= value and sub(found, 1, 1) == "/"
    return found
end


return _M
