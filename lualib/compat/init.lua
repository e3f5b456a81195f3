-- Loads the shim: one file per gap, in this order, into every VM.
--
--   chunk(folder)   folder: string, ends with "/"

local folder = ...

local assert = assert
local ipairs = ipairs
local loadfile = loadfile

local GAPS = {
}

for _, gap in ipairs(GAPS) do
    assert(loadfile(folder .. gap .. ".lua"))()
end
