-- The content handler of `resty-py … --api mk`.

return require("resty_py.mk.app").run()
