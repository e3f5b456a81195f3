-- resty.sha1 where lua-resty-string's own cannot run.

return require("resty_py.digest").new "sha1"
