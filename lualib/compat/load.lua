-- load, loadstring, loadfile, dofile.
--
--   load(chunk [, name [, mode [, env]]])      chunk: text or reader function
--   loadstring(text [, name])
--   loadfile([file [, mode [, env]]])
--   dofile([file])
--
-- An env of nil means the global table, as on LuaJIT (5.2 and later would
-- make the chunk's _ENV nil). dofile is Lua, so that the file can yield.

local shim = ...

local error = error
local find = string.find
local io = io
local load = load
local loadfile = loadfile
local loadstring = loadstring
local pcall = pcall
local setfenv = setfenv
local sub = string.sub
local tostring = tostring
local type = type

local BINARY = "\27"
local DEFAULT_MODE = "bt"


local function env_or_global(env)
    if env == nil then
        return shim.environment
    end
    return env
end


local function refuse(mode, is_binary)
    return nil, "attempt to load a " .. (is_binary and "binary" or "text")
        .. " chunk (mode is '" .. mode .. "')"
end


-- Answers nil and a message where `mode` forbids a chunk that starts so.
local function permit(start, mode)
    local is_binary = sub(start, 1, 1) == BINARY
    if find(mode, is_binary and "b" or "t", 1, true) then
        return true
    end
    return refuse(mode, is_binary)
end


local function with_env(env, chunk, problem)
    if chunk and env ~= nil then
        setfenv(chunk, env)
    end
    return chunk, problem
end


local function load_text(text, name, mode)
    local permitted, problem = permit(text, mode)
    if permitted then
        return loadstring(text, name or text)
    end
    return nil, problem
end


-- Reads the first piece to know the mode, then lets Lua read the rest.
local function load_reader(reader, name, mode)
    local ok, first = pcall(reader)
    if not ok then
        return nil, first
    end
    local permitted, problem = permit(first or "", mode)
    if not permitted then
        return nil, problem
    end
    local pending = true
    return load(function()
        if pending then
            pending = false
            return first
        end
        return reader()
    end, name or "=(load)")
end


-- 5.1: load takes functions only, and neither knows mode and env.
local function load_5_1(chunk, name, mode, env)
    mode = mode or DEFAULT_MODE
    if type(chunk) == "number" then
        chunk = tostring(chunk)
    end
    if type(chunk) == "string" then
        return with_env(env, load_text(chunk, name, mode))
    end
    shim.expect(chunk, "function", 1)
    return with_env(env, load_reader(chunk, name, mode))
end


-- The first byte that counts: a first line with "#" is skipped.
local function first_byte(file)
    local handle = io.open(file, "rb")
    if not handle then
        return ""
    end
    local byte = handle:read(1)
    if byte == "#" then
        handle:read("*l")
        byte = handle:read(1)
    end
    handle:close()
    return byte or ""
end


local function loadfile_5_1(file, mode, env)
    if mode and file then
        local permitted, problem = permit(first_byte(file), mode)
        if not permitted then
            return nil, file .. ": " .. problem
        end
    end
    return with_env(env, loadfile(file))
end


local function load_5_2(chunk, name, mode, env)
    if type(chunk) ~= "string" and type(chunk) ~= "number" then
        shim.expect(chunk, "function", 1)
    end
    return load(chunk, name, mode, env_or_global(env))
end


local function loadfile_5_2(file, mode, env)
    return loadfile(file, mode, env_or_global(env))
end


if not setfenv then
    _G.load = load_5_2
    _G.loadfile = loadfile_5_2
elseif not pcall(load, "") then
    _G.load = load_5_1
    _G.loadfile = loadfile_5_1
end


if not loadstring then
    function _G.loadstring(text, name)
        shim.expect(text, "string", 1)
        return load_5_2(text, name or text)
    end
end


local load_file = _G.loadfile

function _G.dofile(file)
    local chunk, problem = load_file(file)
    if not chunk then
        error(problem, 0)
    end
    return chunk()
end
