-- Static files: what a location serves that has no other content handler.
--
--   prepare(settings) compiles a location's directives
--   serve(r)          a content handler: an index, a file, or a refusal
--   try_files(r)      see try_files.lua
--   test(path, r)     what is at a path, for `if (-f …)`: see files.lua
--   type_of(r)        the content type by the URI: see mime.lua
--   close_all()       closes every file: the worker has stopped
--   document_root(r), realpath_root(r), request_filename(r): see path.lua
--
-- Follows ngx_http_core_content_phase: the index, then the file.

local body = require "resty_py.static.body"
local file = require "resty_py.static.file"
local files = require "resty_py.static.files"
local index = require "resty_py.static.index"
local log = require "resty_py.log"
local mime = require "resty_py.static.mime"
local path = require "resty_py.static.path"
local template = require "resty_py.program.template"
local try_files = require "resty_py.static.try_files"

local byte = string.byte
local compile = template.compile
local constant = template.constant
local pairs = pairs

local SLASH = byte("/")

local METHODS = {GET = true, HEAD = true, POST = true}

local _M = {
    close_all = body.close_all,
    document_root = path.document_root,
    realpath_root = path.realpath_root,
    request_filename = path.request_filename,
    test = files.test,
    try_files = try_files.check,
    type_of = mime.type_of,
}


-- Preparing ----------------------------------------------------------------


-- {text = …} or {make = f(r)} of a template.
local function compile_text(parts)
    local text = constant(parts)
    if text then
        return {text = text, make = nil}
    end
    return {text = nil, make = compile(parts)}
end


local function compile_root(given)
    local root = compile_text(given.path)
    if given.alias then
        root.whole = given.prefix == nil
        root.alias = #(given.prefix or "")
    end
    return root
end


local function compile_index(given)
    local names = {}
    for i = 1, #given do
        names[i] = constant(given[i]) or compile(given[i])
    end
    return names
end


local function compile_try_files(given)
    local names = {}
    for i = 1, #given.files do
        names[i] = compile_text(given.files[i][1])
        names[i].directory = given.files[i][2]
    end
    return {
        names = names,
        last = given.fallback and compile_text(given.fallback),
        otherwise = {status = given.status},
    }
end


local function compile_symlinks(given)
    if given[1] ~= "off" then
        return {policy = given[1], from = given[2] and compile(given[2])}
    end
end


local COMPILERS = {
    root = compile_root,
    index = compile_index,
    try_files = compile_try_files,
    disable_symlinks = compile_symlinks,
}


function _M.prepare(settings)
    for name, compile_setting in pairs(COMPILERS) do
        local given = settings[name]
        if given ~= nil then
            settings[name] = compile_setting(given)
        end
    end
end


-- Serving ------------------------------------------------------------------


local function serve_directory(r)
    local code = index.serve(r)
    if code then
        return code
    end
    local directory = path.map(r)
    if directory then
        log.request(r, log.ERR, 'directory index of "' .. log.path(directory)
                    .. '" is forbidden')
    end
    return 403
end


function _M.serve(r)
    if not METHODS[r.method] then
        return 405
    elseif byte(r.uri, -1) == SLASH then
        return serve_directory(r)
    end
    return file.serve(r)
end


return _M
