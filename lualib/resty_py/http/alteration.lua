-- What a response loses whose body a filter alters.
--
--   forget_length(r)   its length is not known any more, so it has no ranges
--   weaken_etag(r)     ETag becomes a weak one, or goes where it is none
--
-- Follows ngx_http_clear_content_length, ngx_http_clear_accept_ranges and
-- ngx_http_weak_etag.

local sub = string.sub

local _M = {}


function _M.forget_length(r)
    local headers = r.headers
    if headers then
        headers:clear("content-length")
        headers:clear("accept-ranges")
    end
    r.content_length = nil
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


return _M
