-- The zones in which requests and connections are counted.
--
--   define(list)      those of a configuration: {use, name, key, rate, memory}
--   find(use, name)   {name, key = f(r), rate, memory = a zone of shm}
--   key(zone, r, most)   what is counted for r | nil: nothing is
--   LEVELS            levels of the log by their names in a configuration
--
-- Follows ngx_http_limit_req_module.c and ngx_http_limit_conn_module.c.

local log = require "resty_py.log"
local shm_zone = require "resty_py.shm.zone"
local template = require "resty_py.program.template"

local format = string.format
local ipairs = ipairs

local known = {limit_req = {}, limit_conn = {}}

local _M = {LEVELS = {info = log.INFO, notice = log.NOTICE, warn = log.WARN,
                      error = log.ERR}}


function _M.define(list)
    for _, given in ipairs(list) do
        known[given.use][given.name] = {
            name = given.name,
            key = template.compile(given.key),
            key_text = given.key_text,
            rate = given.rate,
            memory = shm_zone.own(given.memory),
        }
    end
end


function _M.find(use, name)
    return known[use][name]
end


-- most: bytes that a key may have.
function _M.key(zone, r, most)
    local key = zone.key(r)
    if #key <= most then
        return key ~= "" and key or nil
    end
    log.request(r, log.ERR, format(
        'the value of the "%s" key is more than %d bytes: "%s"',
        zone.key_text, most, log.path(key)))
end


return _M
