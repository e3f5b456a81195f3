-- setfenv and getfenv for 5.2 and later, where a function's environment is
-- its upvalue _ENV.
--
-- 1. setfenv gives the function an _ENV of its own; functions it makes from
--    then on share it, those made before keep theirs. That is 5.1's rule.
-- 2. A function that reads no global has no _ENV: what is set is remembered
--    and answered by getfenv, and has nothing to act on. Before that,
--    getfenv answers the global table.
-- 3. Level 0 is the table that chunks loaded from then on get. 5.1 keeps one
--    per coroutine; here there is one per VM.
-- 4. In stripped code upvalues have no names: there, the one that holds the
--    global table is taken for _ENV.

local shim = ...

local debug = debug
local error = error
local getinfo = shim.getinfo
local getupvalue = debug.getupvalue
local rawequal = rawequal
local setmetatable = setmetatable
local setuservalue = debug.setuservalue
local getuservalue = debug.getuservalue
local type = type
local upvaluejoin = debug.upvaluejoin

local UNCHANGEABLE = "'setfenv' cannot change environment of given object"
local LOST = "no function environment for tail call at level 1"

-- What getupvalue answers for a name that was stripped: 5.4's and 5.2's.
local UNNAMED = {["(no name)"] = true, ["(*no name)"] = true}

-- Rules 2 and 4, for the life of the function.
local remembered = setmetatable({}, {__mode = "k"})
local unnamed_slot = setmetatable({}, {__mode = "k"})


local function env_slot(f)
    local slot = 1
    local name, value = getupvalue(f, slot)
    while name do
        if name == "_ENV" then
            return slot
        elseif UNNAMED[name] and rawequal(value, shim.environment) then
            unnamed_slot[f] = slot
            return slot
        end
        slot = slot + 1
        name, value = getupvalue(f, slot)
    end
    return unnamed_slot[f]
end


local function is_native(f)
    return getinfo(f, "S").what == "C"
end


local function environment_of(f)
    local slot = not is_native(f) and env_slot(f)
    if slot then
        local _, env = getupvalue(f, slot)
        return env
    end
    return remembered[f] or shim.environment
end


local function change_environment(f, env)
    local slot = env_slot(f)
    if slot then
        upvaluejoin(f, slot, function() return env end, 1)
    else
        remembered[f] = env
    end
end


-- The function at the user's stack level, called by getfenv or setfenv. Where
-- those were called in tail position, the frame of the user's level 1 is gone.
local function function_at(level)
    if level < 0 then
        return nil, "level must be non-negative"
    end
    local depth = level + 2
    if getinfo(2, "t").istailcall then
        if level == 1 then
            return nil, LOST
        end
        depth = depth - 1
    end
    local info = getinfo(depth, "f")
    if not info then
        return nil, "invalid level"
    end
    return info.func
end


function _G.getfenv(target)
    if target == nil then
        target = 1
    end
    if target == 0 then
        return shim.environment
    elseif type(target) == "function" then
        return environment_of(target)
    end
    shim.expect(target, "number", 1)
    local f, problem = function_at(target)
    if not f then
        shim.blame(1, problem)
    end
    return environment_of(f)
end


function _G.setfenv(target, env)
    shim.expect(env, "table", 2)
    if target == 0 then
        shim.environment = env
        return
    end
    local f, problem = target, nil
    if type(target) ~= "function" then
        shim.expect(target, "number", 1)
        f, problem = function_at(target)
    end
    if not f then
        shim.blame(1, problem)
    elseif is_native(f) then
        error(UNCHANGEABLE, 2)
    end
    change_environment(f, env)
    return f
end


function debug.getfenv(object)
    if type(object) == "function" then
        return environment_of(object)
    elseif type(object) == "thread" then
        return shim.environment
    end
    return (getuservalue(object))
end


function debug.setfenv(object, env)
    shim.expect(env, "table", 2)
    if type(object) == "function" then
        change_environment(object, env)
    elseif type(object) == "userdata" then
        setuservalue(object, env)
    else
        error(UNCHANGEABLE, 2)
    end
    return object
end


shim.change_environment = change_environment
