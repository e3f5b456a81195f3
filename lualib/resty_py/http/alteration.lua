-- What a response loses whose body a filter alters.
--
--   forget_length(r)   its length is not known any more
--   forget_ranges(r)   the same, and it has no parts that can be asked for
--   weaken_etag(r)     ETag becomes a weak one, or goes where it is none
--   has_type(r, types)   whether its type is in a set of those that are altered
--
-- Follows ngx_http_clear_content_length, ngx_http_clear_accept_ranges and
-- ngx_http_weak_etag.

local lower = string.lower
local match = string.match
local sub = string.sub

local _M = {}


function _M.forget_length(r)
    if r.headers then
        r.headers:clear("content-length")
    end
    r.content_length = nil
end


function _M.forget_ranges(r)
    _M.forget_length(r)
    if r.headers then
        r.headers:clear("accept-ranges")
    end
    r.allow_ranges = false
end


function _M.weaken_etag(r)
    local headers = r.headers
    local etag = headers and headers:get("etag")
    if not etag or sub(etag, 1, 2) == "W/" then
        return
    elseif sub(etag, 1, 1) == '"' then
        return headers:set("ETag", "W/" .. etag, "etag")
    end
    return headers:clear("etag")
end


-- types: see program/set.lua; "*" stands for all.
function _M.has_type(r, types)
    return types["*"] or types[lower(match(r.content_type or "", "^[^;]*"))]
end


return _M
