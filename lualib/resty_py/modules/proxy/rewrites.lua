-- Rules that make a value of an upstream's header another: proxy_redirect,
-- proxy_cookie_domain and proxy_cookie_path.
--
--   prefix(given)              a rule: a prefix is replaced
--   regex(given)               a rule: all is, where it matches
--   apply(rules, r, u, text)   what the first rule that fits makes of it, or
--                              nil
--
-- given: what the configuration says: {pattern | regex, replacement}
-- A rule: f(r, u, text) -> what takes the place of text, or nil
--
-- Follows ngx_http_proxy_rewrite_complex_handler and
-- ngx_http_proxy_rewrite_regex_handler.

local pattern = require "resty_py.program.pattern"
local template = require "resty_py.program.template"

local sub = string.sub

local _M = {}


function _M.prefix(given)
    local prefix = template.compile(given.pattern)
    local replacement = template.compile(given.replacement)
    return function(r, _, text)
        local start = prefix(r)
        if sub(text, 1, #start) == start then
            return replacement(r) .. sub(text, #start + 1)
        end
    end
end


function _M.regex(given)
    local compiled = pattern.compile(given.regex)
    local replacement = template.compile(given.replacement)
    return function(r, _, text)
        if pattern.match(compiled, r, text) then
            return replacement(r)
        end
    end
end


function _M.apply(rules, r, u, text)
    for i = 1, #rules do
        local found = rules[i](r, u, text)
        if found then
            return found
        end
    end
end


return _M
