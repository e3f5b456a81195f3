-- Status codes: the reason phrases and the bodies of nginx's special
-- responses (ngx_http_header_filter_module.c, ngx_http_special_response.c).
--
--   line(code)   "404 Not Found"; a code nginx has no phrase for is followed
--                by a space alone
--   page(code)   an HTML body, nil for codes that have none
--   shown(code)  the code that goes out: 494 to 497 are nginx's own names
--                for kinds of 400

local setmetatable = setmetatable

local PHRASES = {
    [101] = "Switching Protocols",
    [200] = "OK",
    [201] = "Created",
    [202] = "Accepted",
    [204] = "No Content",
    [206] = "Partial Content",
    [301] = "Moved Permanently",
    [302] = "Moved Temporarily",
    [303] = "See Other",
    [304] = "Not Modified",
    [307] = "Temporary Redirect",
    [308] = "Permanent Redirect",
    [400] = "Bad Request",
    [401] = "Unauthorized",
    [402] = "Payment Required",
    [403] = "Forbidden",
    [404] = "Not Found",
    [405] = "Not Allowed",
    [406] = "Not Acceptable",
    [408] = "Request Time-out",
    [409] = "Conflict",
    [410] = "Gone",
    [411] = "Length Required",
    [412] = "Precondition Failed",
    [413] = "Request Entity Too Large",
    [414] = "Request-URI Too Large",
    [415] = "Unsupported Media Type",
    [416] = "Requested Range Not Satisfiable",
    [421] = "Misdirected Request",
    [429] = "Too Many Requests",
    [500] = "Internal Server Error",
    [501] = "Not Implemented",
    [502] = "Bad Gateway",
    [503] = "Service Temporarily Unavailable",
    [504] = "Gateway Time-out",
    [505] = "HTTP Version Not Supported",
    [507] = "Insufficient Storage",
}

-- Codes without a page of nginx's.
local BARE = {[101] = true, [200] = true, [201] = true, [202] = true,
              [204] = true, [206] = true, [304] = true}

-- title and heading where they are not the status line
local SPECIAL = {
    [494] = {"400 Request Header Or Cookie Too Large",
             "Request Header Or Cookie Too Large"},
    [495] = {"400 The SSL certificate error",
             "The SSL certificate error"},
    [496] = {"400 No required SSL certificate was sent",
             "No required SSL certificate was sent"},
    [497] = {"400 The plain HTTP request was sent to HTTPS port",
             "The plain HTTP request was sent to HTTPS port"},
}

local PAGE = "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n"
    .. "<center><h1>%s</h1></center>\r\n%s<hr><center>%s</center>\r\n"
    .. "</body>\r\n</html>\r\n"

-- What pages call a code that the status line calls otherwise. Behind 497
-- nginx's row of pages has another 404, which 498 shows.
local TITLES = {[302] = "302 Found", [401] = "401 Authorization Required",
                [498] = "404 Not Found"}

local lines = setmetatable({}, {__index = function(self, code)
    local line = code .. " " .. (PHRASES[code] or "")
    self[code] = line
    return line
end})

local _M = {}


function _M.line(code)
    return lines[code]
end


function _M.shown(code)
    return SPECIAL[code] and 400 or code
end


-- product: what the page is signed with, e.g. "resty-py/1.0".
function _M.page(code, product)
    local special = SPECIAL[code]
    if special then
        return PAGE:format(special[1], "400 Bad Request",
                           "<center>" .. special[2] .. "</center>\r\n", product)
    end
    local title = TITLES[code] or PHRASES[code] and not BARE[code]
        and lines[code]
    if title then
        return PAGE:format(title, title, "", product)
    end
end


return _M
