-- Base64 by the host; see codec/base64.lua and resty_py/host/base64.py.

return require "resty_py.native".base64
