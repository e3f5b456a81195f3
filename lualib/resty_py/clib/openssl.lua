-- Functions of OpenSSL under the names that they had before 1.1 or 3.
--
--   find(name)   the function | nil: there is none of that name
--
-- A library has declared the former name with types of its own; ours take and
-- give untyped pointers, which become those.

local ffi = require "ffi"

local C = ffi.C
local format = string.format
local pcall = pcall

-- Former name -> today's, result, arguments.
local NAMES = {
    EVP_MD_CTX_create = {"EVP_MD_CTX_new", "void *", "void"},
    EVP_MD_CTX_destroy = {"EVP_MD_CTX_free", "void", "void *"},
    EVP_MD_CTX_init = {"EVP_MD_CTX_reset", "int", "void *"},
    EVP_MD_CTX_cleanup = {"EVP_MD_CTX_reset", "int", "void *"},
    EVP_MD_size = {"EVP_MD_get_size", "int", "const void *"},
    EVP_MD_type = {"EVP_MD_get_type", "int", "const void *"},
    EVP_MD_block_size = {"EVP_MD_get_block_size", "int", "const void *"},
    EVP_MD_CTX_md = {"EVP_MD_CTX_get0_md", "const void *", "const void *"},
    EVP_PKEY_size = {"EVP_PKEY_get_size", "int", "const void *"},
    EVP_PKEY_bits = {"EVP_PKEY_get_bits", "int", "const void *"},
    EVP_PKEY_id = {"EVP_PKEY_get_id", "int", "const void *"},
    EVP_PKEY_base_id = {"EVP_PKEY_get_base_id", "int", "const void *"},
    EVP_CIPHER_CTX_init = {"EVP_CIPHER_CTX_reset", "int", "void *"},
    EVP_CIPHER_CTX_cleanup = {"EVP_CIPHER_CTX_reset", "int", "void *"},
    EVP_CIPHER_CTX_block_size = {"EVP_CIPHER_CTX_get_block_size", "int",
                                 "const void *"},
    EVP_CIPHER_CTX_encrypting = {"EVP_CIPHER_CTX_is_encrypting", "int",
                                 "const void *"},
    EVP_CIPHER_CTX_iv_length = {"EVP_CIPHER_CTX_get_iv_length", "int",
                                "const void *"},
    EVP_CIPHER_CTX_key_length = {"EVP_CIPHER_CTX_get_key_length", "int",
                                 "const void *"},
    EVP_CIPHER_CTX_num = {"EVP_CIPHER_CTX_get_num", "int", "const void *"},
    EVP_CIPHER_nid = {"EVP_CIPHER_get_nid", "int", "const void *"},
    EVP_CIPHER_block_size = {"EVP_CIPHER_get_block_size", "int",
                             "const void *"},
    EVP_CIPHER_iv_length = {"EVP_CIPHER_get_iv_length", "int",
                            "const void *"},
    EVP_CIPHER_key_length = {"EVP_CIPHER_get_key_length", "int",
                             "const void *"},
    HMAC_CTX_init = {"HMAC_CTX_reset", "int", "void *"},
    HMAC_CTX_cleanup = {"HMAC_CTX_reset", "int", "void *"},
    SSL_get_peer_certificate = {"SSL_get1_peer_certificate", "void *",
                                "const void *"},
}

local _M = {}


-- Today OpenSSL does these by itself when it is used.
local function nothing()
    return 1
end


local NEEDLESS = {
    OpenSSL_add_all_algorithms = nothing,
    OPENSSL_add_all_algorithms_noconf = nothing,
    OPENSSL_add_all_algorithms_conf = nothing,
    OpenSSL_add_all_ciphers = nothing,
    OpenSSL_add_all_digests = nothing,
    ERR_load_crypto_strings = nothing,
    SSL_library_init = nothing,
    SSL_load_error_strings = nothing,
}


local function get(name)
    return C[name]
end


function _M.find(name)
    local known = NAMES[name]
    if not known then
        return NEEDLESS[name]
    end
    local alias = "resty_py_" .. name
    ffi.cdef(format('%s %s(%s) __asm__("%s");', known[2], alias, known[3],
                    known[1]))
    local ok, found = pcall(get, alias)
    return ok and found or nil
end


return _M
