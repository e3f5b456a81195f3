-- The app of `resty-py … --api mk`: runs the script that a request asks for.
--
--   run()   answers the current request, as its settings say:
--     mk_script   path of the one script, or nil
--     mk_match    which paths below the root are scripts, where there is no
--                 one script: extended regular expressions with spaces
--                 between, upper and lower case alike
--     mk_debug    whether clients are told what went wrong
--
-- Rules, those of the plugin:
--
-- 1. A script is loaded anew for each request; only a regular file is one.
-- 2. An error is 500, with its text where debug is on; what the script has
--    made up to there is lost. The error log has it with its traceback.
-- 3. What is no script is 404.

local calls = require "resty_py.static.calls"
local mk = require "mk"
local phases = require "resty_py.request.phases"

local debug = debug
local find = ngx.re.find
local gmatch = string.gmatch
local loadstring = loadstring or load
local ngx = ngx
local open = calls.open
local rawset = rawset
local sub = string.sub
local tostring = tostring
local xpcall = xpcall

-- The longest script, in bytes: any.
local LONGEST = math.huge

rawset(_G, "mk", mk)

local _M = {}


-- Returns the chunk | nil, why it cannot be loaded | nil: there is none.
local function load_script(path)
    local what, _, _, source = open(path, LONGEST)
    if what ~= "file" then
        return nil
    end
    if sub(source, 1, 1) == "#" then
        source = "--" .. source
    end
    return loadstring(source, "@" .. path)
end


local function is_script(path, patterns)
    for pattern in gmatch(patterns, "%S+") do
        local from, _, err = find(path, pattern, "ijo")
        if from then
            return true
        elseif err then
            ngx.log(ngx.ERR, 'mk_match "', pattern, '": ', err)
        end
    end
end


local function path_of(settings)
    if settings.mk_script then
        return settings.mk_script
    end
    local path = ngx.var.uri
    return is_script(path, settings.mk_match) and ngx.var.document_root .. path
end


local function traced(err)
    return debug.traceback(tostring(err), 2)
end


local function refuse(settings, err)
    ngx.log(ngx.ERR, "mk: ", err)
    ngx.status = ngx.HTTP_INTERNAL_SERVER_ERROR
    ngx.print(settings.mk_debug and err or "")
end


function _M.run()
    local settings = phases.request().settings
    local path = path_of(settings)
    local chunk, err
    if path then
        ngx.ctx.mk_script = path
        chunk, err = load_script(path)
    end
    if err then
        return refuse(settings, err)
    elseif not chunk then
        return ngx.exit(ngx.HTTP_NOT_FOUND)
    end
    local ok
    ok, err = xpcall(function()
        return mk.run(chunk)
    end, traced)
    if not ok then
        return refuse(settings, err)
    end
end


return _M
