-- resty.aes where lua-resty-string's own cannot run: AES by the host.
--
--   new(_, key, salt, cipher, hash, rounds, iv_size, padding)
--       key, salt   strings; a salt of 8 bytes, or nil
--       cipher      of cipher(); AES-128-CBC without
--       hash        one of `hash`, which makes key and IV of key and salt;
--                   {iv = string, method = function | nil}: key and IV as they
--                   are, or as method(key) makes the key; MD5 without
--       padding     false for none
--       an object | nil, err
--   cipher(size, mode)   {size =, cipher =, method =} | nil: there is none
--   obj:encrypt(s)       string, {string, tag} with GCM | nil, err
--   obj:decrypt(s, tag)  string | nil, err

local native = require "resty_py.native"

local bytes_to_key = native.cipher.bytes_to_key
local exists = native.cipher.exists
local host_decrypt = native.cipher.decrypt
local host_encrypt = native.cipher.encrypt
local error = error
local format = string.format
local setmetatable = setmetatable
local tonumber = tonumber
local type = type

local IV_SIZE, GCM_IV_SIZE, SALT_SIZE = 16, 12, 8

local _M = {
    _VERSION = "0.15",
    hash = {md5 = "md5", sha1 = "sha1", sha224 = "sha224", sha256 = "sha256",
            sha384 = "sha384", sha512 = "sha512"},
}

local mt = {__index = _M}


-- An error of the caller of method `name` unless `value` is a string.
local function check_string(value, position, name)
    if type(value) ~= "string" then
        error(format("bad argument #%d to '%s' (string expected, got %s)",
                     position, name, type(value)), 3)
    end
end


local function check_self(self)
    if type(self) ~= "table" or not self._key then
        error("not an AES object", 3)
    end
end


-- Returns how often to hash; an error of new()'s caller for what says nothing
-- of the kind, or names no digest.
local function check_hashing(hash, rounds)
    rounds = tonumber(rounds or 1)
    if not _M.hash[hash] then
        error("bad argument #4 to 'new' (no such digest)", 3)
    elseif not (rounds and rounds < 2 ^ 31) then
        error("bad argument #5 to 'new' (number expected)", 3)
    end
    return rounds
end


function _M.cipher(size, mode)
    size, mode = size or 128, mode or "cbc"
    local name = size .. "_" .. mode
    if not exists(name) then
        return nil
    end
    return {size = size, cipher = mode, method = name}
end


-- Key and IV as the user gives them | nil, err
local function given_key(key, hash, cipher)
    local iv_size = cipher.cipher == "gcm" and GCM_IV_SIZE or IV_SIZE
    if not hash.iv or #hash.iv ~= iv_size and #hash.iv ~= IV_SIZE then
        return nil, "bad iv"
    elseif hash.method then
        key = hash.method(key)
    end
    if #key ~= cipher.size / 8 then
        return nil, "bad key length"
    end
    return key, hash.iv
end


local function made_key(key, salt, hash, rounds, cipher)
    if salt and #salt ~= SALT_SIZE then
        return nil, "salt must be 8 characters or nil"
    end
    return bytes_to_key(hash, salt, key, rounds, cipher.size / 8)
end


function _M.new(_, key, salt, cipher, hash, rounds, iv_size, padding)
    cipher = cipher or _M.cipher()
    hash = hash or _M.hash.md5
    check_string(key, 1, "new")
    check_string(salt or "", 2, "new")
    local iv
    if type(hash) == "table" then
        key, iv = given_key(key, hash, cipher)
    else
        key, iv = made_key(key, salt, hash, check_hashing(hash, rounds), cipher)
    end
    if not key then
        return nil, iv
    elseif cipher.cipher == "gcm" then
        iv = iv:sub(1, iv_size or GCM_IV_SIZE)
    end
    return setmetatable({_name = cipher.method, _key = key, _iv = iv,
                         _padding = padding ~= false}, mt)
end


function _M:encrypt(s)
    check_self(self)
    check_string(s, 1, "encrypt")
    local text, tag = host_encrypt(self._name, self._key, self._iv,
                                   self._padding, s)
    if text and tag then
        return {text, tag}
    elseif not text then
        return nil, tag
    end
    return text
end


function _M:decrypt(s, tag)
    check_self(self)
    check_string(s, 1, "decrypt")
    check_string(tag or "", 2, "decrypt")
    local text, err = host_decrypt(self._name, self._key, self._iv,
                                   self._padding, s, tag)
    if not text then
        return nil, err
    end
    return text
end


return _M
