-- What becomes of a request by the code that a phase ends with.
--
--   finalize(r, rc)   rc: a status; 0 (OK), -5 (DECLINED), -1 (ERROR)
--
-- Rules (ngx_http_finalize_request, ngx_http_special_response_handler):
--
-- 1. ERROR, 408, 444 and 499 cut the connection, and so does any code where the
--    client cannot be reached any more: no page is made for it.
-- 2. 201, 204 and what is 300 or more is answered by an error_page of the
--    location where there is one for it, else by nginx's own page. Once the
--    headers are out the connection is cut: what postpone_output held back is
--    lost then, as nginx loses it.
-- 3. An error page is not looked for while one is made, but where
--    recursive_error_pages is on.
-- 4. A code that is none of a response cuts the connection where no response
--    has begun; any other ends the response as it is.

local ending = require "resty_py.request.ending"
local redirection = require "resty_py.http.redirection"
local response = require "resty_py.http.response"
local status = require "resty_py.http.status"

local find = string.find
local sub = string.sub

local OK = 0
local HTTP_OK, CREATED, NO_CONTENT, SPECIAL = 200, 201, 204, 300
local FOUND, INTERNAL_SERVER_ERROR = 302, 500
local ERROR = -1

local CUTTING = {[-1] = true, [408] = true, [444] = true, [499] = true}

local REDIRECTS = {[301] = true, [302] = true, [303] = true, [307] = true,
                   [308] = true}

-- Codes after which nginx does not keep the connection.
local CLOSING = {[400] = true, [413] = true, [414] = true, [495] = true,
                 [496] = true, [497] = true, [500] = true, [501] = true}

-- It leans on this module itself.
local redirect

local _M = {}


local function answer(r, code)
    response.send_special(r, code)
    return ending.complete(r)
end


-- Error pages ---------------------------------------------------------------


-- Returns the path and the arguments of an error page.
local function split(page, uri)
    if page.is_constant then
        return uri, page.args ~= "" and page.args or nil
    end
    local mark = find(uri, "?", 1, true)
    if mark then
        return sub(uri, 1, mark - 1), sub(uri, mark + 1)
    end
    return uri, nil
end


local function send_page(r, page)
    local overwrite = page.overwrite
    if overwrite ~= 0 and overwrite ~= HTTP_OK then
        r.expecting = nil
    end
    if overwrite then
        r.err_status = overwrite ~= 0 and overwrite or nil
    end
    local uri = page.target(r)
    local first = sub(uri, 1, 1)
    redirect = redirect or require "resty_py.request.redirect"
    if first == "/" then
        if r.method ~= "HEAD" then
            r.method = "GET"
        end
        return redirect.to(r, split(page, uri))
    elseif first == "@" then
        return redirect.to_named(r, uri)
    end
    redirection.set(r, uri)
    r.err_status = REDIRECTS[overwrite] and overwrite or FOUND
    return answer(r, r.err_status)
end


local function find_page(r, code)
    local settings = r.settings
    local pages = settings.error_page
    if not pages or r.in_error_page or r.uri_changes == 0 then
        return
    end
    r.in_error_page = not settings.recursive_error_pages
    for i = 1, #pages do
        if pages[i].status == code then
            return pages[i]
        end
    end
end


local function special(r, code)
    if r.refuse then
        return r:refuse(code)
    elseif response.is_sent(r) then
        return ending.complete(r, true)
    end
    r.err_status = status.shown(code)
    if CLOSING[code] then
        r.keepalive = false
    end
    r.content_type = nil
    local page = find_page(r, code)
    if page then
        return send_page(r, page)
    end
    return answer(r, code)
end


function _M.finalize(r, rc)
    if rc >= SPECIAL and r.downstream.failed and not r.parent then
        return ending.cut(r, rc)
    elseif rc >= SPECIAL and not CUTTING[rc]
        or rc == CREATED or rc == NO_CONTENT
    then
        return special(r, rc)
    elseif rc == ERROR and r.refuse and not r.headers_sent then
        return r:refuse(INTERNAL_SERVER_ERROR)
    elseif CUTTING[rc] then
        return ending.cut(r, rc)
    elseif rc ~= OK and rc < HTTP_OK and not r.headers_sent then
        return ending.cut(r, rc)
    end
    return ending.finish(r)
end


_M.special = special

return _M
