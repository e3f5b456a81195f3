-- The content type of a file, by the extension of its URI.
--
--   type_of(r)   r.content_type where one is set, else what `types` and
--                `default_type` say; "" for none
--
-- settings.types: extension in lower case -> type.
--
-- Follows ngx_http_set_content_type and ngx_http_parse.c.

local lower = string.lower
local match = string.match

local _M = {}


-- Returns what follows the last dot of the last segment, or nil. Dots that a
-- segment begins with, up to three, are none of an extension, nor is one of
-- the first two bytes where try_files has made a URI without a slash.
local function extension(uri)
    local name = match(uri, "/%.?%.?%.?([^/]*)$") or match(uri, "^..(.*)")
    return name and match(name, "%.([^.]+)$")
end


function _M.type_of(r)
    local kind = r.content_type
    if kind and kind ~= "" then
        return kind
    end
    local settings = r.settings
    local name = extension(r.uri)
    local types = settings.types
    return name and types and types[lower(name)] or settings.default_type
end


_M.extension = extension

return _M
