-- A list of response headers in the order they were set; names compare
-- without case. Short, so it is searched from front to back.
--
-- Follows ngx_http_lua_headers_out.c.

local lower = string.lower
local remove = table.remove
local setmetatable = setmetatable

local HeaderList = {}
HeaderList.__index = HeaderList

local _M = {}


-- Fields: n, and parallel arrays name, key (name in lower case), value.
function _M.new()
    return setmetatable({n = 0, name = {}, key = {}, value = {}}, HeaderList)
end


-- Appends a header beside any of the same name.
function HeaderList:add(name, value)
    local n = self.n + 1
    self.n = n
    self.name[n] = name
    self.key[n] = lower(name)
    self.value[n] = value
end


-- Takes out every header called `key` (lower case).
function HeaderList:clear(key)
    for i = self.n, 1, -1 do
        if self.key[i] == key then
            remove(self.name, i)
            remove(self.key, i)
            remove(self.value, i)
            self.n = self.n - 1
        end
    end
end


-- Makes `value` the only header of its name, in the place of the first.
function HeaderList:set(name, value)
    local key = lower(name)
    for i = 1, self.n do
        if self.key[i] == key then
            self:clear(key)
            return self:insert(i, name, key, value)
        end
    end
    self:add(name, value)
end


function HeaderList:insert(i, name, key, value)
    table.insert(self.name, i, name)
    table.insert(self.key, i, key)
    table.insert(self.value, i, value)
    self.n = self.n + 1
end


-- Returns the first value of `key` (lower case), or nil.
function HeaderList:get(key)
    for i = 1, self.n do
        if self.key[i] == key then
            return self.value[i]
        end
    end
end


-- Returns an array of all the values of `key`.
function HeaderList:get_all(key)
    local found, n = {}, 0
    for i = 1, self.n do
        if self.key[i] == key then
            n = n + 1
            found[n] = self.value[i]
        end
    end
    return found, n
end


return _M
