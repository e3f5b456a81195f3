-- ssl where luasec itself is not installed: its clients, over cosockets.
--
--   wrap(client, {mode = "client", verify = "none" | "peer" | {…}, …})
--       client   a tcp client of the module socket of this folder
--       returns the client, which has then
--         sni(name)        the name that the certificate must have
--         dohandshake()    true | false, err
--
-- Protocols, ciphers and certificates are those of the location's lua_ssl_*
-- directives, whatever the parameters say.

local error = error
local type = type

local _M = {_VERSION = "1.2.0"}


local function sni(self, name)
    self.server_name = name
end


local function dohandshake(self)
    local ok, err = self.sock:sslhandshake(nil, self.server_name,
                                           self.verifies)
    if not ok then
        return false, err
    end
    return true
end


local function verifies(wanted)
    local first = type(wanted) == "table" and wanted[1] or wanted
    return first ~= nil and first ~= "none"
end


function _M.wrap(client, parameters)
    if type(parameters) ~= "table" or parameters.mode ~= "client" then
        error("only clients of luasec are supported by resty-py", 2)
    end
    client.verifies = verifies(parameters.verify)
    client.sni = sni
    client.dohandshake = dohandshake
    return client
end


return _M
