-- The functions of the ngx API that compute and nothing else.
--
--   install(ngx)   puts them into the table `ngx`
--
-- Rules:
--
-- 1. What OpenResty has in lua-resty-core takes any value for a string: nil
--    and false are empty, others tostring()ed. What it has in C counts its
--    arguments and takes strings and numbers.
-- 2. Errors carry OpenResty's texts and blame the same line of the caller.

local args = require "resty_py.codec.args"
local base64 = require "resty_py.codec.base64"
local hash = require "resty_py.codec.hash"
local httptime = require "resty_py.codec.httptime"
local sql = require "resty_py.codec.sql"
local text = require "resty_py.codec.text"
local uri = require "resty_py.codec.uri"

local check = text.check
local error = error
local floor = math.floor
local format = string.format
local getinfo = debug.getinfo
local of = text.of
local select = select
local tonumber = tonumber
local type = type

-- The second argument of ngx.escape_uri: NGX_ESCAPE_URI .. MAIL_AUTH.
local FIRST_ESCAPE, LAST_ESCAPE = 0, 6

local _M = {}


-- Called by the functions themselves: level 3 is who called them.
local function raise_argument(position, name, expected, value)
    error(format("bad argument #%d to '%s' (%s expected, got %s)", position,
                 name, expected, type(value)), 3)
end


local function install_uri(ngx)
    local escape, unescape = uri.escape, uri.unescape

    function ngx.escape_uri(s, kind)
        if type(s) ~= "string" then
            s = of(s)
        end
        if kind == nil then
            return escape(s)
        end
        if type(kind) ~= "number" then
            error('"type" is not a number', 3)
        end
        if not (kind >= FIRST_ESCAPE and kind <= LAST_ESCAPE) then
            error('"type" ' .. text.number(kind) .. " out of range", 3)
        end
        return escape(s, floor(kind))
    end

    function ngx.unescape_uri(s)
        return unescape(type(s) == "string" and s or of(s))
    end
end


local function install_args(ngx)
    function ngx.encode_args(...)
        local n = select("#", ...)
        if n ~= 1 then
            error(format("expecting 1 argument but seen %d", n), 2)
        end
        local given = ...
        if type(given) ~= "table" then
            -- It is a C function there: luaL_argerror tells how it was called.
            local name = getinfo(1, "n").name or "?"
            raise_argument(1, name, "table", given)
        end
        local encoded, message = args.encode(given)
        if not encoded then
            error(message, 2)
        end
        return encoded
    end

    function ngx.decode_args(...)
        local n = select("#", ...)
        if n ~= 1 and n ~= 2 then
            error(format("expecting 1 or 2 arguments but seen %d", n), 2)
        end
        local given, max = ...
        local s = check(given)
        if not s then
            raise_argument(1, "decode_args", "string", given)
        end
        if n == 2 then
            local count = check(max) and tonumber(max)
            if not count then
                raise_argument(2, "decode_args", "number", max)
            end
            return args.decode(s, floor(count))
        end
        return args.decode(s)
    end
end


local function install_base64(ngx)
    local encode, decode = base64.encode, base64.decode
    local decode_mime = base64.decode_mime

    function ngx.encode_base64(s, no_padding)
        if type(s) ~= "string" then
            s = of(s)
        end
        if no_padding and no_padding ~= true then
            error("bad no_padding: boolean expected, got "
                  .. type(no_padding), 2)
        end
        return encode(s, no_padding)
    end

    function ngx.decode_base64(s)
        if type(s) ~= "string" then
            error("string argument only", 2)
        end
        return decode(s)
    end

    function ngx.decode_base64mime(s)
        if type(s) ~= "string" then
            error("string argument only", 2)
        end
        return decode_mime(s)
    end
end


-- The functions of one argument that take any value.
local function install_hashes(ngx)
    local md5, md5_bin, sha1_bin = hash.md5, hash.md5_bin, hash.sha1_bin
    local crc32_short, crc32_long = hash.crc32_short, hash.crc32_long

    function ngx.md5(s)
        return md5(type(s) == "string" and s or of(s))
    end

    function ngx.md5_bin(s)
        return md5_bin(type(s) == "string" and s or of(s))
    end

    function ngx.sha1_bin(s)
        return sha1_bin(type(s) == "string" and s or of(s))
    end

    function ngx.crc32_short(s)
        return crc32_short(type(s) == "string" and s or of(s))
    end

    function ngx.crc32_long(s)
        return crc32_long(type(s) == "string" and s or of(s))
    end
end


local function install_hmac(ngx)
    function ngx.hmac_sha1(...)
        local n = select("#", ...)
        if n ~= 2 then
            error(format("expecting 2 arguments, but got %d", n), 2)
        end
        local given_key, given = ...
        local key, s = check(given_key), check(given)
        if not key then
            raise_argument(1, "hmac_sha1", "string", given_key)
        end
        if not s then
            raise_argument(2, "hmac_sha1", "string", given)
        end
        return hash.hmac_sha1(key, s)
    end
end


local function install_sql(ngx)
    function ngx.quote_sql_str(...)
        if select("#", ...) ~= 1 then
            error("expecting one argument", 2)
        end
        local given = ...
        local s = check(given)
        if not s then
            raise_argument(1, "quote_sql_str", "string", given)
        end
        return sql.quote_sql_str(s)
    end
end


local function install_dates(ngx)
    local http_time, cookie_time = httptime.http_time, httptime.cookie_time
    local parse_http_time = httptime.parse_http_time

    function ngx.http_time(sec)
        if type(sec) ~= "number" then
            error("number argument only", 2)
        end
        return http_time(sec)
    end

    function ngx.cookie_time(sec)
        if type(sec) ~= "number" then
            error("number argument only", 2)
        end
        return cookie_time(sec)
    end

    function ngx.parse_http_time(s)
        if type(s) ~= "string" then
            error("string argument only", 2)
        end
        return parse_http_time(s)
    end
end


function _M.install(ngx)
    install_uri(ngx)
    install_args(ngx)
    install_base64(ngx)
    install_hashes(ngx)
    install_hmac(ngx)
    install_sql(ngx)
    install_dates(ngx)
end


return _M
