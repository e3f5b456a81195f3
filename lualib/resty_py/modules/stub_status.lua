-- The stub_status module: a page that tells how busy the server is.
--
--   content(r)   sends it; nil, or the code that the request ends with
--
-- Clients whose requests are being read are not told from those that are waited
-- for, and every client that is accepted is handled.
--
-- Follows ngx_http_stub_status_module.c.

local response = require "resty_py.http.response"
local statistics = require "resty_py.http.statistics"

local format = string.format

local METHODS = {GET = true, HEAD = true}
local OK, NOT_ALLOWED = 200, 405

local PAGE = "Active connections: %d \n"
    .. "server accepts handled requests\n %d %d %d \n"
    .. "Reading: 0 Writing: %d Waiting: %d \n"

local _M = {}


function _M.content(r)
    if not METHODS[r.method] then
        return NOT_ALLOWED
    end
    local active, writing, waiting, accepted, served = statistics.read()
    local text = format(PAGE, active, accepted, accepted, served, writing,
                        waiting)
    r.status = OK
    r.content_type = "text/plain"
    r.content_length = #text
    local code = response.send_headers(r)
    if not code and not r.header_only then
        response.write(r, text, true)
    end
    return code
end


return _M
