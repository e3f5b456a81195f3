-- try_files: the first file or directory there is becomes the URI, else the
-- last argument says where to go.
--
--   check(r)   nil: go on in this location | what to do, a table with
--                uri, args   go there by an internal redirect
--                named       go to the named location
--                status      answer with this code
--
-- Rules:
--
-- 1. A name is looked for behind the root, whether it begins with a slash or
--    not. In a location with an alias, text with variables loses the prefix of
--    the location where it begins with it, even that of the last argument.
-- 2. A name with a slash at its end is a directory's; any other is that of
--    whatever is none.
-- 3. In a location of a regular expression with an alias the name is looked for
--    behind the alias, and stays there when the file is served.
--
-- settings.try_files, compiled (init.lua):
--
--   names       array of {text = …, make = f(r) -> text, directory = boolean}
--   last        as a name, nil where there is a status
--   otherwise   {status = …}
--
-- Follows ngx_http_try_files_module.c.

local files = require "resty_py.static.files"
local log = require "resty_py.log"
local path = require "resty_py.static.path"

local byte = string.byte
local examine = files.examine
local failed = files.failed
local find = string.find
local map = path.map
local sub = string.sub

local MISSING = files.MISSING

local AT = byte("@")

local FAILED = {status = 500}

local _M = {}


-- The name as it stands behind the root.
local function resolve(r, name)
    if name.text then
        return name.text
    end
    local text = name.make(r)
    local prefix = r.settings.root.alias
    if prefix and prefix > 0 and sub(text, 1, prefix) == sub(r.uri, 1, prefix)
    then
        return sub(text, prefix + 1)
    end
    return text
end


local function exists(r, file, directory)
    local kind, err, code, call = examine(r, file)
    if kind then
        return (kind == "directory") == directory
    elseif not MISSING[code] then
        log.request(r, log.CRIT, failed(file, err, code, call))
    end
    return false
end


local function take(r, text, directory)
    local root = r.settings.root
    if root.whole then
        if not directory then
            r.uri = text
            r.add_uri_to_alias = true
        end
    elseif root.alias then
        r.uri = sub(r.uri, 1, root.alias) .. text
    else
        r.uri = text
    end
end


local function fall_back(text)
    if byte(text) == AT then
        return {named = text}
    end
    local mark = find(text, "?", 1, true)
    if mark then
        return {uri = sub(text, 1, mark - 1), args = sub(text, mark + 1)}
    end
    return {uri = text, args = ""}
end


function _M.check(r)
    local given = r.settings.try_files
    if not given then
        return nil
    end
    local whole, size = map(r)
    if not whole then
        return FAILED
    end
    local root = sub(whole, 1, size)
    for i = 1, #given.names do
        local name = given.names[i]
        local text = resolve(r, name)
        if exists(r, root .. text, name.directory) then
            return take(r, text, name.directory)
        end
    end
    if given.last then
        return fall_back(resolve(r, given.last))
    end
    return given.otherwise
end


return _M
