-- The Lua code of a configuration: `*_by_lua*` in its three forms.
--
--   compile(given)     a handler of {phase, kind, source | path, chunk}
--   chunk(handler, r)  its function | nil, the status of a request that
--                      cannot run it
--   load(handler)      the same outside of requests: | nil, why not
--   remember(init)     what requests begin with where lua_code_cache is off:
--                      what is there now, and the handler of init_by_lua
--
-- Rules:
--
-- 1. Code is compiled when it is first wanted, and kept while lua_code_cache
--    is on; files are kept by their path. Where it is off, a chunk becomes one
--    of the request's own world (fresh.lua).
-- 2. A file that is not there is 404, one that cannot be read 503, code that
--    does not compile 500; the error log says why.
--
-- Follows ngx_http_lua_cache.c and ngx_http_lua_clfactory.c.

local fresh = require "resty_py.program.fresh"
local log = require "resty_py.log"
local native = require "resty_py.native"
local template = require "resty_py.program.template"

local find = string.find
local format = string.format
local gsub = string.gsub
local loadstring = loadstring or load
local open = io.open
local sub = string.sub

local NOT_FOUND, UNAVAILABLE, INTERNAL = 404, 503, 500

local ENOENT = 2

-- Stands for the request where a path has no variables.
local NOBODY = {}

local files = {}

local _M = {}


function _M.compile(given)
    return {
        phase = given.phase,
        source = given.source,
        path = given.path and template.compile(given.path),
        name = given.chunk,
        loaded = nil,
    }
end


-- Loading --------------------------------------------------------------------


-- These return a chunk | nil, why not, the status of a request.


local function load_inlined(handler)
    local chunk, err = loadstring(handler.source, handler.name)
    if not chunk then
        return nil, "failed to load inlined Lua code: " .. err, INTERNAL
    end
    return chunk
end


local function full_name(path)
    if sub(path, 1, 1) == "/" then
        return path
    end
    local root = native.worker.root()
    return (sub(root, -1) == "/" and root or root .. "/") .. path
end


-- Returns the text of a file, whose "#" line is blanked
-- | nil, why not, the error number.
local function read(path)
    local file, err, code = open(path, "rb")
    if not file then
        return nil, "cannot open " .. path .. gsub(err, "^.*(: )", "%1"), code
    end
    local source
    source, err, code = file:read("*a")
    file:close()
    if not source then
        return nil, "cannot read " .. path .. ": " .. (err or ""), code
    end
    if sub(source, 1, 1) == "#" then
        source = sub(source, find(source, "\n", 1, true) or #source + 1)
    end
    return source
end


local function compile_file(path)
    local source, err, code = read(path)
    if not source then
        return nil, err, code == ENOENT and NOT_FOUND or UNAVAILABLE
    end
    local chunk
    chunk, err = loadstring(source, "@" .. path)
    return chunk, err, INTERNAL
end


local function load_file(path, cached)
    local chunk = cached and files[path]
    if chunk then
        return chunk
    end
    local err, status
    chunk, err, status = compile_file(path)
    if not chunk then
        return nil, format('failed to load external Lua file "%s": %s', path,
                           err), status
    end
    files[path] = cached and chunk or nil
    return chunk
end


local function load(handler, path, cached)
    if handler.source then
        local chunk, err, status = load_inlined(handler)
        handler.loaded = cached and chunk or nil
        return chunk, err, status
    end
    return load_file(full_name(path), cached)
end


-- The same outside of requests.
-- Returns a chunk | nil, why not.
function _M.load(handler)
    return load(handler, handler.path and handler.path(NOBODY), true)
end


function _M.remember(init)
    fresh.remember(init and function()
        return load(init, init.path and init.path(NOBODY), false)
    end)
end


function _M.chunk(handler, r)
    local cached = r.settings.lua_code_cache
    local chunk = handler.loaded
    if chunk and cached then
        return chunk
    end
    local err, status
    chunk, err, status = load(handler, handler.path and handler.path(r),
                              cached)
    if chunk and not cached then
        chunk, err = fresh.adopt(r, chunk)
        status = INTERNAL
    end
    if not chunk then
        log.request(r, log.ERR, err)
        return nil, status
    end
    return chunk
end


-- A handler of a chunk that is loaded already.
function _M.of(chunk, phase)
    return {phase = phase, loaded = chunk}
end


return _M
