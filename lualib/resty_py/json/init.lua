-- JSON as lua-cjson has it: what the modules cjson and cjson.safe are.
--
--   new(protect)   an instance with settings of its own; its errors are
--                  answers, nil and text, with protect
--
-- Errors are placed as those of a C function: at the line that called it, none
-- where pcall did. So encode and decode raise by themselves.

local blame = require "resty_py.json.blame"
local decode = require "resty_py.json.decode"
local encode = require "resty_py.json.encode"
local error = error
local marks = require "resty_py.json.marks"
local null = require "resty_py.api.null"
local number_of = require "resty_py.codec.text".number
local options = require "resty_py.json.options"
local select = select
local type = type

local blame_argument = blame.blame
local describe_blame = blame.text

local VERSION = "2.1.0.14"

local _M = {}


local function defaults()
    return {
        decode_allow_comment = false,
        decode_array_with_array_mt = false,
        decode_invalid_numbers = true,
        decode_max_depth = 1000,
        encode_empty_table_as_object = true,
        encode_escape_forward_slash = true,
        encode_indent = "",
        encode_invalid_numbers = false,
        encode_keep_buffer = true,
        encode_max_depth = 1000,
        encode_number_precision = 14,
        encode_skip_unsupported_value_types = false,
        encode_sparse_convert = false,
        encode_sparse_ratio = 2,
        encode_sparse_safe = 10,
        -- Whether what is encoded takes the longer way.
        is_careful = false,
    }
end


local function encoder(config, protect)
    return function(...)
        if select("#", ...) ~= 1 then
            blame_argument(1, "expected 1 argument")
        end
        local text, err = encode((...), config)
        if text then
            return text
        elseif protect then
            return nil, err
        end
        error(err, 2)
    end
end


local function decoder(config, protect)
    return function(...)
        local s, count = (...), select("#", ...)
        if count ~= 1 then
            blame_argument(1, "expected 1 argument")
        elseif type(s) == "number" then
            s = number_of(s)
        elseif type(s) ~= "string" then
            local problem = "string expected, got " .. type(s)
            if protect then
                return nil, describe_blame(1, problem)
            end
            blame_argument(1, problem)
        end
        local value, err = decode(s, config)
        if value == nil then
            if protect then
                return nil, err
            end
            error(err, 2)
        end
        return value
    end
end


function _M.new(protect)
    local config = defaults()
    local instance = {
        _NAME = "cjson",
        _VERSION = VERSION,
        array_mt = marks.array_mt,
        decode = decoder(config, protect),
        empty_array = marks.empty_array,
        empty_array_mt = marks.empty_array_mt,
        encode = encoder(config, protect),
        new = function() return _M.new(protect) end,
        null = null,
    }
    options.install(instance, config)
    return instance
end


return _M
