-- What OpenResty has and this runtime does not yet: functions that say so.
--
-- Whatever another file has installed stays as it is.

local error = error
local ipairs = ipairs
local pairs = pairs

-- Tables of the API -> names in them; "" is ngx itself.
local NAMES = {
    [""] = {"run_worker_thread"},
}

local _M = {}


local function refuse(name)
    return function()
        error(name .. " is not supported yet by resty-py", 2)
    end
end


local function fill(parent, path, names)
    for _, name in ipairs(names) do
        if parent[name] == nil then
            parent[name] = refuse(path .. name)
        end
    end
end


function _M.install(ngx)
    for group, names in pairs(NAMES) do
        if group == "" then
            fill(ngx, "ngx.", names)
        else
            ngx[group] = ngx[group] or {}
            fill(ngx[group], "ngx." .. group .. ".", names)
        end
    end
end


return _M
