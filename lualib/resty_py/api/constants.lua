-- The constants of the ngx API.
--
--   install(ngx)   puts them into the table `ngx`, ngx.null among them

local null = require "resty_py.api.null"

local pairs = pairs

local _M = {}

local CORE = {
    OK = 0,
    ERROR = -1,
    AGAIN = -2,
    DONE = -4,
    DECLINED = -5,
}

-- nginx's bits of methods; to Lua they are only names.
local METHODS = {
    HTTP_GET = 0x2,
    HTTP_HEAD = 0x4,
    HTTP_POST = 0x8,
    HTTP_PUT = 0x10,
    HTTP_DELETE = 0x20,
    HTTP_MKCOL = 0x40,
    HTTP_COPY = 0x80,
    HTTP_MOVE = 0x100,
    HTTP_OPTIONS = 0x200,
    HTTP_PROPFIND = 0x400,
    HTTP_PROPPATCH = 0x800,
    HTTP_LOCK = 0x1000,
    HTTP_UNLOCK = 0x2000,
    HTTP_PATCH = 0x4000,
    HTTP_TRACE = 0x8000,
}

local STATUSES = {
    HTTP_CONTINUE = 100,
    HTTP_SWITCHING_PROTOCOLS = 101,
    HTTP_OK = 200,
    HTTP_CREATED = 201,
    HTTP_ACCEPTED = 202,
    HTTP_NO_CONTENT = 204,
    HTTP_PARTIAL_CONTENT = 206,
    HTTP_SPECIAL_RESPONSE = 300,
    HTTP_MOVED_PERMANENTLY = 301,
    HTTP_MOVED_TEMPORARILY = 302,
    HTTP_SEE_OTHER = 303,
    HTTP_NOT_MODIFIED = 304,
    HTTP_TEMPORARY_REDIRECT = 307,
    HTTP_PERMANENT_REDIRECT = 308,
    HTTP_BAD_REQUEST = 400,
    HTTP_UNAUTHORIZED = 401,
    HTTP_PAYMENT_REQUIRED = 402,
    HTTP_FORBIDDEN = 403,
    HTTP_NOT_FOUND = 404,
    HTTP_NOT_ALLOWED = 405,
    HTTP_NOT_ACCEPTABLE = 406,
    HTTP_REQUEST_TIMEOUT = 408,
    HTTP_CONFLICT = 409,
    HTTP_GONE = 410,
    HTTP_UPGRADE_REQUIRED = 426,
    HTTP_TOO_MANY_REQUESTS = 429,
    HTTP_CLOSE = 444,
    HTTP_ILLEGAL = 451,
    HTTP_INTERNAL_SERVER_ERROR = 500,
    HTTP_NOT_IMPLEMENTED = 501,
    HTTP_METHOD_NOT_IMPLEMENTED = 501,
    HTTP_BAD_GATEWAY = 502,
    HTTP_SERVICE_UNAVAILABLE = 503,
    HTTP_GATEWAY_TIMEOUT = 504,
    HTTP_VERSION_NOT_SUPPORTED = 505,
    HTTP_INSUFFICIENT_STORAGE = 507,
}

local LOG_LEVELS = {
    STDERR = 0,
    EMERG = 1,
    ALERT = 2,
    CRIT = 3,
    ERR = 4,
    WARN = 5,
    NOTICE = 6,
    INFO = 7,
    DEBUG = 8,
}


function _M.install(ngx)
    for _, family in pairs {CORE, METHODS, STATUSES, LOG_LEVELS} do
        for name, value in pairs(family) do
            ngx[name] = value
        end
    end
    ngx.null = null
end


return _M
