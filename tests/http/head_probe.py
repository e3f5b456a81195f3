"""Both readers of request heads, run in a VM, with answers Python can read."""

from dataclasses import dataclass, field

from nginx_peer import netstrings

from resty_py.http import reader
from resty_py.vm import VM

PROBE = b"""
local head = require "resty_py.http.head"
local h11 = require "resty_py.http.h11"
local concat = table.concat

local function put(out, name, value)
    if value ~= nil then
        value = tostring(value)
        out[#out + 1] = #name .. ":" .. name .. ","
        out[#out + 1] = #value .. ":" .. value .. ","
    end
end

local LINE = {"uri", "args", "exten", "request_uri"}
local HEAD = {"method", "target", "version", "request_line", "n", "host",
              "host_header", "content_length", "chunked", "keepalive",
              "expect"}

local function describe(found, next, reason)
    local out = {}
    if not found then
        put(out, "refused", next)
        if type(reason) == "string" then
            put(out, "reason", reason)
        end
        return concat(out)
    end
    for _, name in ipairs(HEAD) do put(out, name, found[name]) end
    for _, name in ipairs(LINE) do put(out, name, found.line[name]) end
    put(out, "next", next)
    put(out, "raw", head.raw(found))
    put(out, "raw_fields", head.raw(found, true))
    for i = 1, found.n do
        local record = found.fields[i]
        assert(record.lower == record.name:lower())
        put(out, "name", record.name)
        put(out, "value", record.value)
    end
    for _, text in ipairs(found.fields.notes or {}) do
        put(out, "note", text)
    end
    return concat(out)
end

local probe = {}

function probe.limits(...)
    local given = {}
    local arguments = {...}
    for i = 1, #arguments, 2 do given[arguments[i]] = arguments[i + 1] end
    return head.limits(given)
end

function probe.fast(limits, data, from)
    return describe(head.parse(data, from, limits))
end

function probe.twin(limits, data, from)
    return describe(h11.parse(data, from, limits))
end

-- Feeds data[1 .. k] for each k that is a multiple of step, then all of it.
function probe.grow(limits, data, step)
    local scan, found, next, detail
    for size = step, #data + step - 1, step do
        found, next, detail = head.parse(data:sub(1, size), 1, limits, scan)
        if next ~= "again" then
            return describe(found, next, detail)
        end
        scan = detail
    end
    return describe(found, next, detail)
end

-- Feeds data in two parts, cut at every place; the second time the buffer
-- has moved. Returns the first cut with another answer than expected.
function probe.split(limits, data, expected)
    for size = 1, #data - 1 do
        local found, next, detail = head.parse(data:sub(1, size), 1, limits)
        if next == "again" then
            found, next, detail = head.parse("xyz" .. data, 4, limits, detail)
        end
        if found then
            next = next - (found.first > 3 and found.buffer:sub(1, 3) == "xyz"
                           and 3 or 0)
        end
        local answer = describe(found, next, detail)
        if answer ~= expected then
            return size, answer
        end
    end
end

return probe
"""


@dataclass
class Outcome:
    """A head as Python values, or why there is none."""

    refused: bytes | None = None
    reason: bytes | None = None
    values: dict[str, bytes] = field(default_factory=dict)
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    notes: list[bytes] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The status nginx would send, or 200."""
        return int(self.refused) if self.refused else 200

    def by_name(self) -> dict[bytes, list[bytes]]:
        found: dict[bytes, list[bytes]] = {}
        for name, value in self.fields:
            found.setdefault(name, []).append(value)
        return found

    def meaning(self) -> object:
        """What both readers must agree on; reasons are each one's own."""
        return (self.refused, self.values, self.fields, self.notes)


def read_outcome(data: bytes) -> Outcome:
    outcome = Outcome()
    parts = netstrings(data)
    names, values = [], []
    for key, value in zip(parts[::2], parts[1::2], strict=True):
        match key:
            case b"refused":
                outcome.refused = value
            case b"reason":
                outcome.reason = value
            case b"name":
                names.append(value)
            case b"value":
                values.append(value)
            case b"note":
                outcome.notes.append(value)
            case _:
                outcome.values[key.decode()] = value
    outcome.fields = list(zip(names, values, strict=True))
    return outcome


class Reader:
    """The two readers in one VM."""

    def __init__(self, flavour: str, **limits: object) -> None:
        self.vm = VM(flavour, {"http": reader.functions()})
        self.probe = self.vm.run(PROBE)
        self.limits = self.make_limits(**limits)

    def make_limits(self, **limits: object):
        flat = [
            part for name, value in limits.items() for part in (name.encode(), value)
        ]
        return self.probe[b"limits"](*flat)

    def fast(self, data: bytes, start: int = 1, limits: object = None) -> Outcome:
        limits = self.limits if limits is None else limits
        return read_outcome(self.probe[b"fast"](limits, data, start))

    def twin(self, data: bytes, start: int = 1) -> Outcome:
        return read_outcome(self.probe[b"twin"](self.limits, data, start))

    def read(self, data: bytes) -> Outcome:
        """Read as a server does: the fast path, and the twin if it says so."""
        outcome = self.fast(data)
        return self.twin(data) if outcome.refused == b"h11" else outcome

    def grow(self, data: bytes, step: int = 1) -> Outcome:
        return read_outcome(self.probe[b"grow"](self.limits, data, step))

    def split(self, data: bytes) -> object:
        """Return the first cut at which reading in two parts differs."""
        expected = self.probe[b"fast"](self.limits, data, 1)
        return self.probe[b"split"](self.limits, data, expected)
