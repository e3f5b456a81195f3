-- Size of a value by its kind.
--
--   size_of(kind, value)

local layout = require "resty_py.shm.layout"

local BOOLEAN, NUMBER, STRING = layout.BOOLEAN, layout.NUMBER, layout.STRING


return function(kind, value)
    return kind == STRING and #value or kind == NUMBER and 8
        or kind == BOOLEAN and 1 or 0
end
