-- The program of a worker: what a configuration says, ready to run.
--
--   load(given)        what resty_py/conf/program.py makes of a configuration;
--                      an error that names file and line where PCRE refuses a
--                      regular expression
--   endpoint(number)   what a listener serves: {find = f(self, r, host),
--                      named = f(self, r, host), only}
--   app(given, chunk)  the endpoint of one content handler, a loaded chunk
--   hooks              init, init_worker and exit_worker: handlers, or nil
--
-- An endpoint's `only` is its server where there is but one to choose. One that
-- listens on every address of a port has `others`, by address: those for
-- which clients may have come that have no socket of their own.

local access = require "resty_py.request.access"
local access_log = require "resty_py.request.access_log"
local addition = require "resty_py.modules.addition"
local auth_basic = require "resty_py.modules.auth_basic"
local auth_request = require "resty_py.modules.auth_request"
local charset = require "resty_py.modules.charset"
local echo = require "resty_py.modules.echo"
local filters = require "resty_py.http.filters"
local geo = require "resty_py.program.geo"
local gzip = require "resty_py.modules.gzip"
local handler = require "resty_py.program.handler"
local headers = require "resty_py.modules.headers"
local headers_more = require "resty_py.modules.headers_more"
local hostnames = require "resty_py.program.hostnames"
local limit_conn = require "resty_py.modules.limit.conn"
local limit_req = require "resty_py.modules.limit.req"
local limit_zones = require "resty_py.modules.limit.zones"
local location = require "resty_py.program.location"
local map = require "resty_py.program.map"
local mirror = require "resty_py.modules.mirror"
local pace = require "resty_py.http.pace"
local pattern = require "resty_py.program.pattern"
local peers = require "resty_py.modules.proxy.peers"
local proxy = require "resty_py.modules.proxy"
local realip = require "resty_py.modules.realip"
local scheduler = require "resty_py.scheduler"
local script = require "resty_py.program.script"
local secure = require "resty_py.http.secure"
local secure_link = require "resty_py.modules.secure_link"
local set_misc = require "resty_py.modules.set_misc"
local settings = require "resty_py.settings"
local split_clients = require "resty_py.program.split_clients"
local static = require "resty_py.static"
local statistics = require "resty_py.http.statistics"
local steps = require "resty_py.request.steps"
local template = require "resty_py.program.template"
local sub_filter = require "resty_py.modules.sub_filter"
local tls = require "resty_py.program.tls"
local trailers = require "resty_py.modules.trailers"
local variables = require "resty_py.request.variables"

local find = string.find
local ipairs = ipairs
local pairs = pairs

-- Modules that make settings of their own out of those of a location.
local MODULES = {static, echo, headers, headers_more, charset, gzip, set_misc,
                 pace, proxy, auth_basic, auth_request, realip,
                 secure_link, limit_req, limit_conn, trailers,
                 sub_filter, addition, mirror}

-- Modules with variables of their own.
local OWNERS = {echo, secure_link}

local servers, endpoints = {}, {}

local _M = {hooks = {}}


-- Locations ------------------------------------------------------------------


local function compile_hooks(given)
    local hooks = {}
    for phase, each in pairs(given) do
        hooks[phase] = handler.compile(each)
    end
    return hooks
end


local function compile_error_pages(given)
    local pages = {}
    for i, page in ipairs(given) do
        pages[i] = {
            status = page.status,
            overwrite = page.overwrite,
            target = template.compile(page.target),
            is_constant = template.constant(page.target) ~= nil,
            args = page.args,
        }
    end
    return #pages > 0 and pages or nil
end


local function prepare(record)
    local given = record.settings
    given.error_page = compile_error_pages(given.error_page or {})
    given.access_rules = access.compile(given.access_rules or {})
    given.access_logs = access_log.compile(given.access_logs or {})
    for _, module in ipairs(MODULES) do
        module.prepare(given, record)
    end
    filters.prepare(given, record)
end


local function build(record, given)
    if given.content == "stub_status" then
        statistics.enable()
    end
    record.hooks = compile_hooks(given.hooks)
    prepare(record)
    record.script = script.compile(given.script, function(inner)
        return location.compile(inner, build)
    end)
    steps.build(record)
end


-- Servers --------------------------------------------------------------------


local function compile_server(given)
    local server = {
        names = given.names,
        base = location.compile(given.base, build),
        hooks = compile_hooks(given.hooks),
    }
    steps.build_server(server)
    tls.prepare(server, _M.hooks)
    return server
end


local function add_names(names, regexes, server)
    for _, name in ipairs(server.names) do
        if name.regex then
            regexes[#regexes + 1] = {
                regex = pattern.compile(name.regex), server = server,
            }
        else
            hostnames.add(names, name.name, server)
        end
    end
end


local function find_regex(r, regexes, host)
    for i = 1, #regexes do
        if pattern.match(regexes[i].regex, r, host) then
            return regexes[i].server
        end
    end
end


-- The server that has this name | nil. Follows ngx_http_find_virtual_server.
local function named_server(self, r, host)
    return hostnames.find(self.names, host)
        or host ~= "" and find_regex(r, self.regexes, host) or nil
end


-- host: "" where the client names none, nil where it is not known.
local function find_server(self, r, host)
    return host and named_server(self, r, host) or self.default
end


local function new_endpoint(default, members)
    local names, regexes = hostnames.new(), {}
    for _, server in ipairs(members) do
        add_names(names, regexes, server)
    end
    return {
        default = default,
        only = #members == 1 and #regexes == 0 and default or nil,
        names = names,
        regexes = regexes,
        find = find_server,
        named = named_server,
    }
end


local function compile_endpoint(given)
    local members = {}
    for i, number in ipairs(given.servers) do
        members[i] = servers[number + 1]
    end
    local endpoint = new_endpoint(servers[given.default + 1], members)
    endpoint.is_tls = given.options.ssl
    endpoint.may_be_tls = endpoint.is_tls
    endpoint.is_proxied = given.options.proxy_protocol
    endpoint.may_be_proxied = endpoint.is_proxied
    endpoint.is_own = given.options.reuseport
    return endpoint
end


local WILDCARDS = {["0.0.0.0"] = true, ["::"] = true}


-- Tells the endpoints of every address who else is on their port.
local function link_others(given)
    for i, wild in ipairs(given) do
        for j, each in ipairs(given) do
            local a, b = wild.address, each.address
            if WILDCARDS[a.host] and not WILDCARDS[b.host]
               and a.port == b.port and a.family == b.family
            then
                local others = endpoints[i].others or {}
                endpoints[i].others = others
                others[b.host] = endpoints[j]
                endpoints[i].may_be_tls = endpoints[i].may_be_tls
                    or endpoints[j].is_tls
                endpoints[i].may_be_proxied = endpoints[i].may_be_proxied
                    or endpoints[j].is_proxied
            end
        end
    end
end


-- The whole ------------------------------------------------------------------


-- Parts of a configuration that define a variable each.
local DEFINING = {
    {name = "maps", compile = map.compile},
    {name = "geos", compile = geo.compile},
    {name = "split_clients", compile = split_clients.compile},
}


-- A value is kept for the request where the configuration uses the variable,
-- as nginx keeps indexed ones, unless it is said to be volatile.
local function define_all(given, compile, indexed)
    for _, each in ipairs(given) do
        local name, getter = each.variable, compile(each)
        if indexed[name] and not each.volatile then
            getter = variables.keeping(name, getter)
        end
        variables.define(name, getter)
    end
end


local function declare(given)
    for name, is_captured in pairs(given.declared or {}) do
        variables.declare(name, is_captured)
    end
    for _, module in ipairs(OWNERS) do
        for name, getter in pairs(module.variables) do
            variables.define_fixed(name, getter)
        end
    end
    for name in pairs(given.indexed or {}) do
        variables.index(name)
        if find(name, "^connections_") then
            statistics.enable()
        end
    end
    for _, list in ipairs(DEFINING) do
        define_all(given[list.name] or {}, list.compile, given.indexed)
    end
end


function _M.load(given)
    settings.define(given.settings)
    scheduler.cache_max = settings.main.lua_thread_cache_max_entries
        or scheduler.cache_max
    declare(given)
    access_log.define(given.log_formats or {})
    peers.define(given.upstreams or {})
    limit_zones.define(given.limit_zones or {})
    _M.hooks = compile_hooks(given.hooks or {})
    secure.hooks = _M.hooks
    for i, each in ipairs(given.servers) do
        servers[i] = compile_server(each)
    end
    for i, each in ipairs(given.endpoints) do
        endpoints[i] = compile_endpoint(each)
    end
    link_others(given.endpoints)
end


function _M.endpoint(number)
    return endpoints[number]
end


-- given: settings of its one location.
function _M.app(given, chunk)
    local server = compile_server {
        names = {},
        hooks = {},
        base = {
            modifier = "server", pattern = "", settings = given,
            content = "lua", hooks = {}, script = {}, locations = {},
        },
    }
    server.base.hooks.content = handler.of(chunk, "content")
    return new_endpoint(server, {server})
end


return _M
