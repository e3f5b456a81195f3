-- A list of response headers in the order they were set; names compare
-- without case. Short, so it is searched from front to back.
--
-- Follows ngx_http_lua_headers_out.c.

local lower = string.lower
local setmetatable = setmetatable

local HeaderList = {}
HeaderList.__index = HeaderList

local _M = {}


-- Fields: n, and parallel arrays name, key (name in lower case), value.
function _M.new()
    return setmetatable({
        n = 0,
        name = {nil, nil, nil, nil},
        key = {nil, nil, nil, nil},
        value = {nil, nil, nil, nil},
    }, HeaderList)
end


-- Returns that of a response, made where there is none.
function _M.of(r)
    local headers = r.headers
    if not headers then
        headers = _M.new()
        r.headers = headers
    end
    return headers
end


-- Appends a header beside any of the same name.
--   key   the name in lower case, where the caller knows it
function HeaderList:add(name, value, key)
    local n = self.n + 1
    self.n = n
    self.name[n] = name
    self.key[n] = key or lower(name)
    self.value[n] = value
end


local function drop_behind(self, first, key)
    local kept = first - 1
    for i = first, self.n do
        if self.key[i] ~= key then
            kept = kept + 1
            self.name[kept] = self.name[i]
            self.key[kept] = self.key[i]
            self.value[kept] = self.value[i]
        end
    end
    for i = kept + 1, self.n do
        self.name[i], self.key[i], self.value[i] = nil, nil, nil
    end
    self.n = kept
end


-- Takes out every header called `key` (lower case).
function HeaderList:clear(key)
    return drop_behind(self, 1, key)
end


-- Returns the place of the first header called `key`, from place `i` on.
local function find_from(keys, key, i)
    local found = keys[i]
    if found == key then
        return i
    end
    return found and find_from(keys, key, i + 1)
end


-- Returns the place of the first header called `key` (lower case), or nil.
function HeaderList:find(key)
    return find_from(self.key, key, 1)
end


-- Makes `value` the only header of its name, in the place of the first.
--   key      the name in lower case, where the caller knows it
--   renamed  whether `name` takes the place of the first one's name too
function HeaderList:set(name, value, key, renamed)
    key = key or lower(name)
    local i = self:find(key)
    if not i then
        return self:add(name, value, key)
    end
    self.value[i] = value
    if renamed then
        self.name[i] = name
    end
    return drop_behind(self, i + 1, key)
end


-- The same, but "" takes all of the name out.
function HeaderList:put(name, value, key, renamed)
    if value == "" then
        return self:clear(key)
    end
    return self:set(name, value, key, renamed)
end


-- Returns the first value of `key` (lower case), or nil.
function HeaderList:get(key)
    local i = self:find(key)
    return i and self.value[i]
end


-- Returns an array of the values of `key`, at most `max`, and their number.
function HeaderList:get_all(key, max)
    local found, n = {}, 0
    for i = 1, self.n do
        if self.key[i] == key and n < max then
            n = n + 1
            found[n] = self.value[i]
        end
    end
    return found, n
end


return _M
