-- mk.request: what the client asks, under CGI's names.
--
--   server_software, server_protocol, server_name, server_addr, server_port,
--   document_root, script_name, script_filename, request_method, remote_addr,
--   remote_port, request_uri, query_string
--   data             the body
--   headers          table: HTTP_USER_AGENT and its like -> value
--   parseargs()      two tables of the query string: name -> first value,
--                    name -> array of values; "1" where none is given
--   parsedata()      the same of a body, urlencoded or multipart/form-data
--
-- Fields are found out when they are asked for. Nothing is percent-decoded.

local form = require "resty_py.mk.form"
local settings = require "resty_py.settings"

local concat = table.concat
local gsub = string.gsub
local io = io
local ngx = ngx
local pairs = pairs
local setmetatable = setmetatable
local type = type
local upper = string.upper

local _M = {}


local function variable(name)
    return function()
        return ngx.var[name]
    end
end


local function read_file(path)
    local file = io.open(path, "rb")
    local data = file and file:read("*a")
    if file then
        file:close()
    end
    return data
end


local function data()
    ngx.req.read_body()
    local path = ngx.req.get_body_file()
    return path and read_file(path) or ngx.req.get_body_data() or ""
end


local function headers()
    local found = {}
    for name, value in pairs(ngx.req.get_headers(0, true)) do
        if type(value) == "table" then
            value = concat(value, ", ")
        end
        found["HTTP_" .. upper((gsub(name, "-", "_")))] = value
    end
    return found
end


local function script_filename()
    return ngx.ctx.mk_script
        or ngx.var.document_root .. (ngx.var.uri or "")
end


local GETTERS = {
    server_software = function()
        return settings.main.product
    end,
    server_protocol = variable "server_protocol",
    server_name = variable "server_name",
    server_addr = variable "server_addr",
    server_port = variable "server_port",
    document_root = variable "document_root",
    script_name = variable "uri",
    script_filename = script_filename,
    request_method = variable "request_method",
    remote_addr = variable "remote_addr",
    remote_port = variable "remote_port",
    request_uri = variable "request_uri",
    query_string = function()
        return ngx.var.args or ""
    end,
    data = data,
    headers = headers,
}


local function index(self, name)
    local getter = GETTERS[name]
    local value = getter and getter()
    self[name] = value
    return value
end


function _M.new()
    local self = setmetatable({}, {__index = index})
    function self.parseargs()
        return form.parse_urlencoded(self.query_string)
    end
    function self.parsedata()
        return form.parse(self.data, ngx.var.http_content_type or "")
    end
    return self
end


return _M
