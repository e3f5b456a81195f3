-- Prints as Lua's own print does, which is another function in `resty`.

local concat = table.concat
local select = select
local tostring = tostring

return function(...)
    local words = {}
    for i = 1, select("#", ...) do
        words[i] = tostring((select(i, ...)))
    end
    io.write(concat(words, "\t"), "\n")
end
