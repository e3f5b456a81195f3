-- proxy_redirect: what Location and Refresh of an upstream become.
--
--   compile(settings)             settings.proxy_redirect, ready to run
--   rewrite(r, u, key, value)     the value that takes the place of a header's.
--                                 A path that takes that of a Location leaves
--                                 as a whole URL: http/redirection.lua
--
-- Follows ngx_http_proxy_rewrite_redirect.

local pattern = require "resty_py.program.pattern"
local template = require "resty_py.program.template"

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


local function pair(given)
    local prefix = template.compile(given.prefix)
    local replacement = template.compile(given.replacement)
    return function(r, _, text)
        local start = prefix(r)
        if sub(text, 1, #start) == start then
            return replacement(r) .. sub(text, #start + 1)
        end
    end
end


local function regex(given)
    local compiled = pattern.compile(given.regex)
    local replacement = template.compile(given.replacement)
    return function(r, _, text)
        if pattern.match(compiled, r, text) then
            return replacement(r)
        end
    end
end


local COMPILE = {
    default = function() return default end,
    pair = pair,
    regex = regex,
}


function _M.compile(settings)
    local rules, given = {}, settings.proxy_redirect
    if not given or #given == 0 then
        return {default}
    end
    for _, rule in ipairs(given) do
        local compile = COMPILE[rule.kind]
        if compile then
            rules[#rules + 1] = compile(rule)
        end
    end
    return rules
end


local function apply(r, u, text)
    local rules = r.settings.proxy_redirects
    for i = 1, #rules do
        local found = rules[i](r, u, text)
        if found then
            return found
        end
    end
    return text
end


local function in_refresh(r, u, value)
    local _, last = find(lower(value), "url=", 1, true)
    if not last then
        return value
    end
    return sub(value, 1, last) .. apply(r, u, sub(value, last + 1))
end


local function in_location(r, u, value)
    local found = apply(r, u, value)
    r.local_redirect = found ~= value and sub(found, 1, 1) == "/"
    return found
end


local REWRITTEN = {location = in_location, refresh = in_refresh}


function _M.rewrite(r, u, key, value)
    local rewrite = REWRITTEN[key]
    if rewrite then
        return rewrite(r, u, value)
    end
    return value
end


return _M
