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
local error = error
local exists = native.cipher.exists
local format = string.format
local host_decrypt = native.cipher.decrypt
local host_encrypt = native.cipher.encrypt
local pairs = pairs
local setmetatable = setmetatable
local tostring = tostring
local type = type

local IV_SIZE, GCM_IV_SIZE, SALT_SIZE = 16, 12, 8

local _M = {
    _VERSION = "0.15",
    hash = {md5 = "md5", sha1 = "sha1", sha224 = "sha224", sha256 = "sha256",
            sha384 = "sha384", sha512 = "sha512"},
}

local HASHES = {}
for _, name in pairs(_M.hash) do
    HASHES[name] = true
end

-- The first number of rounds that is none of C's int.
local MAX_ROUNDS = 2 ^ 31

local mt = {__index = _M}


-- An error for whoever called the function `name`, unless its argument fits.
local function check(fits, place, name, wanted, value)
    if not fits then
        error(format("bad argument #%d to '%s' (%s expected, got %s)", place,
                     name, wanted, type(value)), 3)
    end
end


function _M.cipher(size, mode)
    size, mode = size or 128, mode or "cbc"
    local name = tostring(size) .. "_" .. tostring(mode)
    if not exists(name) then
        return nil
    end
    return {size = size, cipher = mode, method = name}
end


-- Key and IV as the user gives them | nil, err
local function given_key(key, hash, cipher)
    local iv_size = cipher.cipher == "gcm" and GCM_IV_SIZE or IV_SIZE
    local iv = hash.iv
    if type(iv) ~= "string" or #iv ~= iv_size and #iv ~= IV_SIZE then
        return nil, "bad iv"
    elseif hash.method then
        key = hash.method(key)
    end
    if type(key) ~= "string" or #key ~= cipher.size / 8 then
        return nil, "bad key length"
    end
    return key, iv
end


local function made_key(key, salt, hash, rounds, cipher)
    if salt and #salt ~= SALT_SIZE then
        return nil, "salt must be 8 characters or nil"
    end
    rounds = rounds > 1 and rounds < MAX_ROUNDS and rounds or 1
    return bytes_to_key(hash, salt, key, rounds, cipher.size / 8)
end


function _M.new(_, key, salt, cipher, hash, rounds, iv_size, padding)
    cipher = cipher or _M.cipher()
    hash, rounds = hash or _M.hash.md5, rounds or 1
    check(type(cipher) == "table" and type(cipher.method) == "string", 3, "new",
          "cipher", cipher)
    local iv
    if type(hash) == "table" then
        key, iv = given_key(key, hash, cipher)
    else
        check(type(key) == "string", 1, "new", "string", key)
        check(not salt or type(salt) == "string", 2, "new", "string", salt)
        check(HASHES[hash], 4, "new", "hash", hash)
        check(type(rounds) == "number", 5, "new", "number", rounds)
        key, iv = made_key(key, salt, hash, rounds, cipher)
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
    check(self._name, 0, "encrypt", "object", self)
    check(type(s) == "string", 1, "encrypt", "string", s)
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
    check(self._name, 0, "decrypt", "object", self)
    check(type(s) == "string", 1, "decrypt", "string", s)
    check(not tag or type(tag) == "string", 2, "decrypt", "string", tag)
    local text, err = host_decrypt(self._name, self._key, self._iv,
                                   self._padding, s, tag)
    if not text then
        return nil, err
    end
    return text
end


return _M
