-- mk.config: what Monkey tells of itself, as far as it means anything here.
--
-- Names are Monkey's. Paths of files that there are not are "".

local native = require "resty_py.native"
local settings = require "resty_py.settings"

local _M = {}


function _M.new()
    local root = native.worker.root()
    return {
        kernel_features = {
            TCP_FASTOPEN = false,
            SO_REUSEPORT = true,
            TCP_AUTOCORKING = false,
        },
        worker_capacity = 512,
        max_load = 512,
        workers = 1,
        manual_tcp_cork = false,
        fdt = false,
        is_daemon = false,
        is_seteuid = false,
        scheduler_mode = 0,
        serverconf = root,
        listen_addr = "",
        server_addr = "",
        server_software = settings.main.product,
        user = "",
        user_dir = "",
        pid_file_path = "",
        server_conf_file = "",
        mimes_conf_file = "",
        plugin_load_conf_file = "",
        sites_conf_dir = "",
        plugins_conf_dir = "",
        transport = "http",
        transport_layer = "liana",
    }
end


return _M
