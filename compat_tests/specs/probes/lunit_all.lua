-- Runs every test file of a folder by the lunit that comes with them.
--   arg[1]   the folder

local lfs = require "lfs"
local lunit = require "lunit"

local names = {}
for name in lfs.dir(arg[1]) do
    if name:match("%.lua$") then
        names[#names + 1] = arg[1] .. "/" .. name
    end
end
table.sort(names)
lunit.main(names)
