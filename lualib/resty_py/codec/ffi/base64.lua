-- Base64 by libcrypto, the host where that is out of reach; see
-- codec/base64.lua.
--
-- EVP_DecodeBlock() drops white space and the like from both ends of its
-- input, which nginx calls malformed. So the first and the last byte are
-- looked at before; bad ones between them it refuses by itself. It reads whole
-- groups of four digits: a last group is filled up with zeros.
--
-- C names are private aliases, so that a library's own `ffi.cdef` cannot
-- clash with them.

local ffi = require "ffi"
local host = require "resty_py.codec.portable.base64"
local library = require "resty_py.codec.ffi.library"
local scratch = require "resty_py.codec.ffi.scratch"

local byte = string.byte
local cast = ffi.cast
local ceil = math.ceil
local copy = ffi.copy
local ffi_string = ffi.string
local fill = ffi.fill
local find = string.find
local gsub = string.gsub
local pcall = pcall
local sub = string.sub

local SOURCE = ffi.typeof("const uint8_t *")
local GROUP = 4
local ZERO = byte("A")

ffi.cdef [[
int resty_py_encode_block(uint8_t *, const char *, int)
    __asm__("EVP_EncodeBlock");
int resty_py_decode_block(uint8_t *, const uint8_t *, int)
    __asm__("EVP_DecodeBlock");
]]

local TO_URL = {["+"] = "-", ["/"] = "_"}
local FROM_URL = {["-"] = "+", ["_"] = "/"}

local is_digit = {}
for value = 0, 255 do
    is_digit[value] = find(string.char(value), "[A-Za-z0-9+/]") ~= nil
end


local function codec(encode_block, decode_block)
    local _M = {}
    local last_group = ffi.new("uint8_t[?]", GROUP)


    function _M.encode(s, no_padding)
        local length = #s
        -- One byte more for the NUL that ends the text.
        local buffer = scratch(GROUP * ceil(length / 3) + 1)
        local n = encode_block(buffer, s, length)
        if no_padding then
            n = n - (-length) % 3
        end
        return ffi_string(buffer, n)
    end


    -- Decodes the `rest` digits at `source`, two or three.
    local function decode_rest(buffer, source, rest)
        fill(last_group, GROUP, ZERO)
        copy(last_group, source, rest)
        return decode_block(buffer, last_group, GROUP) > 0
    end


    -- Decodes the first `length` bytes of s.
    local function decode(s, length)
        local rest = length % GROUP
        local whole = length - rest
        if rest == 1 then
            return nil
        end
        local source, buffer = cast(SOURCE, s), scratch(length + GROUP)
        local n = whole / GROUP * 3
        if whole > 0 and not (is_digit[byte(s, 1)] and is_digit[byte(s, whole)]
                              and decode_block(buffer, source, whole) > 0) then
            return nil
        end
        if rest > 0 then
            if not decode_rest(buffer + n, source + whole, rest) then
                return nil
            end
            n = n + rest - 1
        end
        return ffi_string(buffer, n)
    end


    local function digits(s)
        local padding = find(s, "=", 1, true)
        return padding and padding - 1 or #s
    end


    function _M.decode(s)
        return decode(s, digits(s))
    end


    function _M.decode_mime(s)
        s = gsub(sub(s, 1, digits(s)), "[^A-Za-z0-9+/]+", "")
        return decode(s, #s)
    end


    function _M.encode_url(s)
        return (gsub(_M.encode(s, true), "[+/]", TO_URL))
    end


    function _M.decode_url(s)
        s = sub(s, 1, digits(s))
        if find(s, "[+/]") then
            return nil
        end
        return decode(gsub(s, "[-_]", FROM_URL), #s)
    end


    return _M
end


local function by_libcrypto()
    local crypto = library("_hashlib")
    return codec(crypto.resty_py_encode_block, crypto.resty_py_decode_block)
end


local found, _M = pcall(by_libcrypto)

return found and _M or host
