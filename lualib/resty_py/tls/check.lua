-- What ngx.ssl and its kin are given has the type that they take.
--
--   check(name, place, value, wanted)   an error unless `value`, an argument of
--                     the function `name`, which calls this itself, is of the
--                     type `wanted`

local error = error
local format = string.format
local type = type


local function check(name, place, value, wanted)
    local found = type(value)
    if found ~= wanted then
        error(format("bad argument #%d to '%s' (%s expected, got %s)", place,
                     name, wanted, found), 3)
    end
end


return check
