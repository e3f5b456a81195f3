-- Values under names that may come again, as ngx.req.get_headers gives them.
--
--   add(found, name, value)   found[name] becomes the value, or an array of all
--                             values that were added under the name

local type = type

local _M = {}


function _M.add(found, name, value)
    local existing = found[name]
    if existing == nil then
        found[name] = value
    elseif type(existing) == "table" then
        existing[#existing + 1] = value
    else
        found[name] = {existing, value}
    end
end


return _M
