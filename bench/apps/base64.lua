-- Base64 of 1 KiB there and back, a hundred times.

local N = 100
local TEXT = ("0123456789abcdef"):rep(64)

local decode, encode = ngx.decode_base64, ngx.encode_base64
local text
for _ = 1, N do
    text = decode(encode(TEXT))
end
ngx.say(#text)
