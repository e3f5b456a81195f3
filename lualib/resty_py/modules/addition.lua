-- The addition module: what other locations answer, before and behind a body.
--
--   prepare(settings)             compiles addition_types
--   header_filter(settings)       f(r), nil where there is nothing to do
--   body_filter(settings, next)   f(r, data, last), nil where there is nothing
--                                 to do
--
-- Rules:
--
-- 1. It is for main requests, for the status 200 and the types of
--    addition_types.
-- 2. Both are subrequests: what comes of the body meanwhile waits for its turn,
--    and the end of the response for the last of them (response.finish).
--
-- Follows ngx_http_addition_filter_module.c.

local alteration = require "resty_py.http.alteration"
local set_of = require "resty_py.program.set"

local HTTP_OK = 200

-- It leans on the filters.
local postponed

local _M = {}


local function filter(r)
    local settings = r.settings
    if r.status ~= HTTP_OK or r.parent
       or not alteration.has_type(r, settings.addition_types)
    then
        return
    end
    alteration.forget_ranges(r)
    alteration.weaken_etag(r)
    r.addition = {is_begun = false}
end


local function add(r, uri)
    if not uri then
        return true
    end
    postponed = postponed or require "resty_py.request.postponed"
    return postponed.insert(r, {uri = uri, share_vars = true,
                                forward_body = true})
end


local function surround(r, data, last, next)
    local state, settings = r.addition, r.settings
    if not state.is_begun then
        state.is_begun = true
        add(r, settings.add_before_body)
    end
    local ok, err = next(r, data, last)
    if ok and last then
        add(r, settings.add_after_body)
    end
    return ok, err
end


local function is_used(settings)
    return settings.add_before_body or settings.add_after_body
end


function _M.header_filter(settings)
    return is_used(settings) and filter
end


function _M.body_filter(settings, next)
    return is_used(settings) and function(r, data, last)
        if not r.addition then
            return next(r, data, last)
        end
        return surround(r, data, last, next)
    end
end


local function uri_of(given)
    return given ~= "" and given or nil
end


function _M.prepare(settings)
    settings.add_before_body = uri_of(settings.add_before_body)
    settings.add_after_body = uri_of(settings.add_after_body)
    settings.addition_types = set_of(settings.addition_types)
end


return _M
