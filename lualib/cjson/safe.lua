-- JSON whose errors are answers: nil and a text.

return require("resty_py.json").new(true)
