local show = require "show"
local mp = require "MessagePack"

local function hex(text)
    return (text:gsub(".", function(char)
        return ("%02x"):format(char:byte())
    end))
end

for _, value in ipairs {0, 127, 128, 65536, -1, -33, -40000, 1.5, true, "text",
                        ("x"):rep(40)} do
    local packed = mp.pack(value)
    show(hex(packed), mp.unpack(packed) == value)
end
show(hex(mp.pack({1, 2, {"three"}})), hex(mp.pack({a = 1})))
show(mp.unpack(mp.pack({a = {b = {1, 2}}})).a.b[2])
mp.set_string "binary"
show(hex(mp.pack("bin")))
for _, value in mp.unpacker(mp.pack(1) .. mp.pack("two")) do
    show(value)
end
show(pcall(mp.unpack, "\193"))
