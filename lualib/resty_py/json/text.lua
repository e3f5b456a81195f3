-- Strings of a JSON document.
--
--   read(s, pos)   pos: behind the opening quote. The text, the position behind
--                  the closing quote | nil, what is wrong, where
--   plain(s, pos, backslash)
--                  pos: at the opening quote. The same for a string without
--                  escapes | nil; `backslash` is where the next one stands
--   key(s, pos)    white space, such a string and a colon: the text, the
--                  position behind | nil. Only where patterns are quick
--
-- As in lua-cjson control bytes may stand as they are.

return require "resty_py.json.twin" "text"
