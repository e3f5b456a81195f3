-- The content type of a file, by the extension of its URI.
--
--   type_of(r)   r.content_type where one is set, else what `types` and
--                `default_type` say; "" for none
--
-- settings.types: extension in lower case -> type.
--
-- Follows ngx_http_set_content_type.

local extension = require "resty_py.http.uri".extension
local lower = string.lower

local _M = {}


-- Where it was not rewritten the URI is that of the request line.
local function extension_of(r)
    local line = r.head.line
    if r.uri == line.uri then
        return line.exten
    end
    return extension(r.uri)
end


function _M.type_of(r)
    local kind = r.content_type
    if kind and kind ~= "" then
        return kind
    end
    local settings = r.settings
    local types = settings.types
    local name = types and extension_of(r)
    return name and types[lower(name)] or settings.default_type
end


return _M
