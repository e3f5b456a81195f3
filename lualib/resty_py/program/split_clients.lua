-- split_clients: variables whose value depends on the hash of a text.
--
--   compile(given)   f(r) -> string
--
-- given.parts: array of {end, value}: a value is that of the hashes from the
-- end of the part before it to its own.
--
-- Follows ngx_http_split_clients_module.c.

local hash = require "resty_py.codec.murmur".hash
local template = require "resty_py.program.template"

local _M = {}


function _M.compile(given)
    local source, parts = template.compile(given.source), given.parts
    return function(r)
        local number = hash(source(r))
        for i = 1, #parts do
            if number < parts[i][1] then
                return parts[i][2]
            end
        end
        return ""
    end
end


return _M
