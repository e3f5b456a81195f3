"""The Lua VM: flavours, the host boundary, code loading."""

from .boundary import DEFECT, HostError, HostFunctions, guard, strerror
from .flavours import FLAVOURS, Flavour, UnknownFlavourError, find_flavour
from .paths import LUALIB
from .values import from_lua, to_lua
from .vm import VM, LuaError

__all__ = [
    "DEFECT",
    "FLAVOURS",
    "LUALIB",
    "VM",
    "Flavour",
    "HostError",
    "HostFunctions",
    "LuaError",
    "UnknownFlavourError",
    "find_flavour",
    "from_lua",
    "guard",
    "strerror",
    "to_lua",
]
