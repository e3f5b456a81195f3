-- The set-misc module: directives that set a variable to what a function
-- makes of their arguments.
--
--   FUNCTIONS   directive -> f(r, argument …): a string | nil where the request
--               fails with 500; the log says why
--   takes_own(directive, n)   whether the variable's own value comes after the
--               n arguments that are given
--   NDK         set of the directives that ndk.set_var has
--   prepare(settings)   puts the alphabet of base32 into `settings`
--
-- Rules:
--
-- 1. What cannot be decoded becomes "", but for hex, which fails.
-- 2. Numbers are digits alone: no sign, no space.
-- 3. A rotation goes on where the last one ended in the same location, unless
--    the variable has a number already.

local base32 = require "resty_py.modules.set_misc.base32"
local base64 = require "resty_py.codec.base64"
local clock = require "resty_py.clock"
local digest = require "resty_py.native".digest
local hash = require "resty_py.codec.hash"
local httptime = require "resty_py.codec.httptime"
local log = require "resty_py.log"
local quoting = require "resty_py.modules.set_misc.quoting"
local random = require "resty_py.modules.set_misc.random"
local strftime = require "resty_py.modules.set_misc.strftime"
local unescape = require "resty_py.modules.unescape"

local byte = string.byte
local char = string.char
local escape = require "resty_py.codec.uri".escape
local find = string.find
local format = string.format
local gsub = string.gsub
local ipairs = ipairs
local quote_sql_str = require "resty_py.codec.sql".quote_sql_str
local setmetatable = setmetatable
local tonumber = tonumber

-- The extended alphabet of RFC 4648, section 7, in lower case.
local BASE32HEX = "0123456789abcdefghijklmnopqrstuv"

local LOWER = "abcdefghijklmnopqrstuvwxyz"
local ALPHANUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" .. LOWER
-- Random letters that are made at once.
local MAX_LETTERS = 64

-- Digits of a number that a double holds without loss.
local MAX_DIGITS = 14

local FUNCTIONS = {}
local _M = {FUNCTIONS = FUNCTIONS}


local function fail(r, text)
    log.request(r, log.ERR, text)
    return nil
end


-- Returns the number that a text is, or nil.
local function natural(text)
    return find(text, "^%d+$") and #text <= MAX_DIGITS and tonumber(text)
        or nil
end


-- Text ----------------------------------------------------------------------


function FUNCTIONS.set_if_empty(_, default, own)
    return own == "" and default or own
end


function FUNCTIONS.set_quote_sql_str(_, s)
    return quote_sql_str(s)
end


function FUNCTIONS.set_quote_pgsql_str(_, s)
    return quoting.pgsql(s)
end


function FUNCTIONS.set_quote_json_str(_, s)
    return quoting.json(s)
end


function FUNCTIONS.set_unescape_uri(_, s)
    return (unescape((gsub(s, "%+", " "))))
end


function FUNCTIONS.set_escape_uri(_, s)
    return escape(s)
end


-- Encodings -----------------------------------------------------------------


local codecs = {[true] = {}, [false] = {}}


local function base32_codec(alphabet, padding)
    local known = codecs[padding]
    known[alphabet] = known[alphabet] or base32.new(alphabet, padding)
    return known[alphabet]
end


local default_codec = base32_codec(BASE32HEX, true)


-- Timers have no location.
local function codec_of(r)
    return r.settings and r.settings.base32 or default_codec
end


function FUNCTIONS.set_encode_base32(r, s)
    return codec_of(r).encode(s)
end


function FUNCTIONS.set_decode_base32(r, s)
    return codec_of(r).decode(s) or ""
end


function FUNCTIONS.set_encode_base64(_, s)
    return base64.encode(s)
end


function FUNCTIONS.set_decode_base64(_, s)
    return base64.decode(s) or ""
end


function FUNCTIONS.set_encode_base64url(_, s)
    return base64.encode_url(s)
end


function FUNCTIONS.set_decode_base64url(_, s)
    return base64.decode_url(s) or ""
end


local function hex(s)
    return (gsub(s, ".", function(letter)
        return format("%02x", byte(letter))
    end))
end


function FUNCTIONS.set_encode_hex(_, s)
    return hex(s)
end


function FUNCTIONS.set_decode_hex(r, s)
    if #s % 2 ~= 0 or find(s, "%X") then
        return fail(r, "set_decode_hex: invalid value")
    end
    return (gsub(s, "..", function(digits)
        return char(tonumber(digits, 16))
    end))
end


-- Digests -------------------------------------------------------------------


function FUNCTIONS.set_md5(_, s)
    return hash.md5(s)
end


function FUNCTIONS.set_sha1(_, s)
    return hex(hash.sha1_bin(s))
end


function FUNCTIONS.set_hmac_sha1(_, key, s)
    return hash.hmac_sha1(key, s)
end


function FUNCTIONS.set_hmac_sha256(_, key, s)
    return digest.hmac_sha256(key, s)
end


-- Numbers -------------------------------------------------------------------


-- Returns the bounds in order, or nil, what is wrong with them.
local function bounds(from, to)
    local low, high = natural(from), natural(to)
    if not low then
        return nil, "from", from
    elseif not high then
        return nil, "to", to
    elseif low > high then
        return high, low
    end
    return low, high
end


function FUNCTIONS.set_random(r, from, to)
    local low, high, given = bounds(from, to)
    if not low then
        return fail(r, format('set_random: bad "%s" argument: "%s"', high,
                              given))
    end
    return format("%d", low + random.below(high - low + 1))
end


-- Settings of a location -> its last rotation.
local rotations = setmetatable({}, {__mode = "k"})


function FUNCTIONS.set_rotate(r, from, to, own)
    local low, high, given = bounds(from, to)
    if not low then
        return fail(r, format('set_rotate: bad "%s" argument value: "%s"',
                              high, given))
    end
    local current = natural(own) or rotations[r.settings] or low - 1
    current = current + 1
    if current < low or current > high then
        current = low
    end
    rotations[r.settings] = current
    return format("%d", current)
end


-- Makes a function of the wanted length, a text.
local function letters_of(alphabet)
    return function(r, length)
        local n = natural(length)
        if not n or n < 1 or n > MAX_LETTERS then
            return fail(r, 'set_random: bad "length" argument: ' .. length)
        end
        return random.letters(alphabet, n)
    end
end


FUNCTIONS.set_secure_random_alphanum = letters_of(ALPHANUM)
FUNCTIONS.set_secure_random_lcalpha = letters_of(LOWER)


-- Dates ---------------------------------------------------------------------


function FUNCTIONS.set_local_today()
    return httptime.date(clock.wall)
end


function FUNCTIONS.set_formatted_gmt_time(_, text)
    return strftime(text, clock.wall, true)
end


function FUNCTIONS.set_formatted_local_time(_, text)
    return strftime(text, clock.wall, false)
end


-- The configuration ---------------------------------------------------------


local NDK = {}
for _, name in ipairs {
    "set_quote_sql_str", "set_quote_pgsql_str", "set_quote_json_str",
    "set_unescape_uri", "set_escape_uri", "set_encode_base32",
    "set_decode_base32", "set_encode_base64", "set_decode_base64",
    "set_encode_base64url", "set_decode_base64url", "set_encode_hex",
    "set_decode_hex", "set_sha1", "set_md5", "set_secure_random_alphanum",
    "set_secure_random_lcalpha", "set_formatted_gmt_time",
    "set_formatted_local_time",
} do
    NDK[name] = true
end
_M.NDK = NDK

local OWN = {set_if_empty = true, set_rotate = true}


-- Those of ndk.set_var have one argument.
function _M.takes_own(name, n)
    return OWN[name] or n == 0 and NDK[name] or false
end


function _M.prepare(settings)
    local alphabet = settings.set_base32_alphabet
    local padding = settings.set_base32_padding
    if alphabet ~= BASE32HEX or padding == false then
        settings.base32 = base32_codec(alphabet or BASE32HEX,
                                       padding ~= false)
    end
end


return _M
