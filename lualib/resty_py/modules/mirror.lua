-- The mirror module: what comes is told to other locations too.
--
--   prepare(settings)     readies a location's settings: mirror, nil where
--                         there is none
--   needs_body(r)         whether its body has to be read before
--   send(r)               begins the subrequests
--                         Returns true, or nil where one cannot be made
--
-- Rules:
--
-- 1. Main requests alone are told, of any method, with their arguments; with
--    their body too unless mirror_request_body is off.
-- 2. What is answered is thrown away. The request does not wait for it, nor
--    does the next one of its client.
-- 3. A file that the body is in stays until the last of them has ended.
--
-- Follows ngx_http_mirror_module.c.

local body = require "resty_py.request.body"
local subrequest = require "resty_py.request.subrequest"

local _M = {}


function _M.prepare(settings)
    local given = settings.mirror
    settings.mirror = given and given[1] and given or nil
end


function _M.needs_body(r)
    local settings = r.settings
    return settings.mirror_request_body
        and (r.body_state == "unread"
             or settings.client_body_in_file_only ~= "off")
end


local function send_one(r, uri)
    local has_body = r.settings.mirror_request_body
    return subrequest.detach(r, {
        uri = uri, args = r.args, method = r.method, share_vars = true,
        forward_body = has_body,
    }, has_body and body.share_file(r) or nil)
end


function _M.send(r)
    local mirrors = r.settings.mirror
    for i = 1, #mirrors do
        if not send_one(r, mirrors[i]) then
            return nil
        end
    end
    return true
end


return _M
