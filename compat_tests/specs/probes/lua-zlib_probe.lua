local show = require "show"
local zlib = require "zlib"

local text = ("a text that is compressed "):rep(200)
local packed, eof, read, written = zlib.deflate()(text, "finish")
show(#packed < #text / 10, eof, read, written == #packed)
show(zlib.inflate()(packed) == text)
local inflate, out = zlib.inflate(), {}
for at = 1, #packed, 7 do
    out[#out + 1] = inflate(packed:sub(at, at + 6))
end
show(table.concat(out) == text)
show(zlib.adler32()("abc"), zlib.crc32()("abc"))
show(pcall(zlib.inflate(), "no zlib data"))
