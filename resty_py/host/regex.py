"""PCRE2 for Lua: the library's place, and its calls for flavours without FFI.

The library is the system's libpcre2-8, which every glibc Linux brings along
(libselinux and GLib need it). No package of PyPI can stand in: those that
compile it in keep its functions to themselves, and their own interface knows
neither the DFA matcher nor limits.

Rules:

1. ``lualib/resty_py/regex/ffi.lua`` makes the same calls without Python; both
   give Lua what ``lualib/resty_py/regex/init.lua`` describes.
2. Lua names a pattern by its text and options, never by a handle: what is
   compiled is kept here, the least recently used is dropped, and what Lua
   still asks for is compiled again. So nothing can leak or dangle.
3. A subject is handed over once (:meth:`Engine.load`), however many matches
   are looked for in it.
4. An :class:`_Engine` belongs to one VM, for a match leaves its results in it.

Source: pcre2api(3), pcre2jit(3), and ngx_http_lua_regex.c for the limits.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import types
import weakref
from ctypes import c_char_p, c_int, c_size_t, c_ssize_t, c_uint32, c_void_p
from typing import TYPE_CHECKING, Any

from ..vm import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["complaint", "find_library", "functions"]

#: Compiled patterns kept for Lua: lua_regex_cache_max_entries, 1024.
KEPT_MAX = 1024

#: Integers of the DFA matcher's workspace: NGX_LUA_RE_DFA_MODE_WORKSPACE_COUNT.
DFA_WORKSPACE = 100

#: The least size of a JIT stack: NGX_LUA_RE_MIN_JIT_STACK_SIZE.
JIT_STACK_MIN = 32 * 1024

_CASELESS = 0x8
_JIT_COMPLETE = 1
_INFO_CAPTURE_COUNT, _INFO_NAME_COUNT = 4, 17
_INFO_NAME_ENTRY_SIZE, _INFO_NAME_TABLE = 18, 19
_MESSAGE_SIZE = 256

# Names that the dynamic linker knows, then where Homebrew puts it.
_NAMES = (
    "libpcre2-8.so.0",
    "libpcre2-8.so",
    "libpcre2-8.0.dylib",
    "/opt/homebrew/lib/libpcre2-8.0.dylib",
    "/usr/local/lib/libpcre2-8.0.dylib",
)

_MISSING = (
    "the library libpcre2-8 is not installed (Debian and Ubuntu: apt-get install"
    " libpcre2-8-0; Fedora: dnf install pcre2; Alpine: apk add pcre2; macOS: brew"
    " install pcre2)"
)

# Code, subject, its length, start, options, match data, match context.
_MATCH = (c_void_p, c_char_p, c_size_t, c_size_t, c_uint32, c_void_p, c_void_p)

# Functions, without their suffix "_8": result, arguments.
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "compile": (
        c_void_p,
        (c_char_p, c_size_t, c_uint32, c_void_p, c_void_p, c_void_p),
    ),
    "compile_context_create": (c_void_p, (c_void_p,)),
    "compile_context_free": (None, (c_void_p,)),
    "set_compile_extra_options": (c_int, (c_void_p, c_uint32)),
    "code_free": (None, (c_void_p,)),
    "jit_compile": (c_int, (c_void_p, c_uint32)),
    "pattern_info": (c_int, (c_void_p, c_uint32, c_void_p)),
    "get_error_message": (c_int, (c_int, c_char_p, c_size_t)),
    "match_context_create": (c_void_p, (c_void_p,)),
    "match_context_free": (None, (c_void_p,)),
    "set_match_limit": (c_int, (c_void_p, c_uint32)),
    "jit_stack_create": (c_void_p, (c_size_t, c_size_t, c_void_p)),
    "jit_stack_assign": (None, (c_void_p, c_void_p, c_void_p)),
    "jit_stack_free": (None, (c_void_p,)),
    "match_data_create_from_pattern": (c_void_p, (c_void_p, c_void_p)),
    "match_data_free": (None, (c_void_p,)),
    "get_ovector_pointer": (ctypes.POINTER(c_ssize_t), (c_void_p,)),
    "match": (c_int, _MATCH),
    "dfa_match": (c_int, (*_MATCH, c_void_p, c_size_t)),
}


class _CompileError(Exception):
    """A pattern is none: PCRE2's error code and the offset in the pattern."""

    def __init__(self, code: int, offset: int) -> None:
        super().__init__(code, offset)
        self.code = code
        self.offset = offset


@functools.cache
def find_library() -> str:
    """Return the name or path by which the dynamic linker finds libpcre2-8.

    Raises:
        HostError: it is not installed; the text says how to get it.
    """
    for name in _NAMES:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return name
    raise HostError(_MISSING)


@functools.cache
def _library() -> Any:
    """Return the library's functions, typed, as attributes.

    Raises:
        HostError: it is not installed.
    """
    library = ctypes.CDLL(find_library())
    functions = types.SimpleNamespace()
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, f"pcre2_{name}_8")
        function.restype, function.argtypes = result, arguments
        setattr(functions, name, function)
    return functions


def _compile(pattern: bytes, options: int, extra: int) -> int:
    """Return the pointer of a compiled pattern, or raise :class:`_CompileError`."""
    code, offset = c_int(), c_size_t()
    at = ctypes.byref(offset)
    context = _library().compile_context_create(None)
    try:
        _library().set_compile_extra_options(context, extra)
        pointer = _library().compile(
            pattern, len(pattern), options, ctypes.byref(code), at, context
        )
    finally:
        _library().compile_context_free(context)
    if not pointer:
        raise _CompileError(code.value, offset.value)
    return int(pointer)


def complaint(pattern: bytes, *, caseless: bool = False) -> str | None:
    """Return what nginx says of a pattern that PCRE2 refuses: ``ngx_regex_compile``.

    Nothing is said of any pattern where the library is not installed.
    """
    try:
        pointer = _compile(pattern, _CASELESS if caseless else 0, 0)
    except HostError:
        return None
    except _CompileError as exc:
        rest = os.fsdecode(pattern[exc.offset :])
        at = f' at "{rest}"' if rest else ""
        text = _Engine().message(exc.code).decode()
        return f'pcre2_compile() failed: {text} in "{os.fsdecode(pattern)}"{at}'
    _library().code_free(pointer)
    return None


class _Code:
    """A compiled pattern with its match data.

    Attributes:
        pointer, data: what the library calls a code and a match data block.
        offsets: where matches leave the offsets of their groups.
        captures: the number of capture groups.
        names: (name, group) of the named groups, in the library's order.
    """

    def __init__(self, pattern: bytes, options: int, extra: int, jit: bool) -> None:
        library = _library()
        self.pointer = _compile(pattern, options, extra)
        weakref.finalize(self, library.code_free, self.pointer)
        if jit:
            # Where the JIT compiler refuses, the interpreter serves.
            library.jit_compile(self.pointer, _JIT_COMPLETE)
        self.data = library.match_data_create_from_pattern(self.pointer, None)
        weakref.finalize(self, library.match_data_free, self.data)
        self.offsets = library.get_ovector_pointer(self.data)
        self.captures = self._info(_INFO_CAPTURE_COUNT, c_uint32)
        self.names = self._names()

    def _info(self, what: int, kind: Any) -> int:
        value = kind()
        _library().pattern_info(self.pointer, what, ctypes.byref(value))
        return int(value.value or 0)

    def _names(self) -> list[tuple[bytes, int]]:
        count = self._info(_INFO_NAME_COUNT, c_uint32)
        size = self._info(_INFO_NAME_ENTRY_SIZE, c_uint32)
        table = self._info(_INFO_NAME_TABLE, c_void_p)
        entries = (ctypes.string_at(table + i * size, size) for i in range(count))
        return [
            (entry[2:].partition(b"\0")[0], struct.unpack(">H", entry[:2])[0])
            for entry in entries
        ]


class _Engine:
    """The matchers for one VM."""

    def __init__(self) -> None:
        self._code = functools.lru_cache(KEPT_MAX)(_Code)
        self._workspace = (c_int * DFA_WORKSPACE)()
        self._subject = b""
        self._free_jit_stack: Callable[[], Any] | None = None

    @functools.cached_property
    def _context(self) -> int:
        context = int(_library().match_context_create(None))
        weakref.finalize(self, _library().match_context_free, context)
        return context

    def compile(self, pattern: bytes, options: int, extra: int, jit: bool) -> Any:
        """Compile *pattern*.

        Args:
            pattern: any bytes.
            options: PCRE2's option bits.
            extra: PCRE2's extra option bits.
            jit: whether to compile it to machine code.

        Returns:
            The number of capture groups, then name and number of each named
            one; or None, PCRE2's error code and the offset in *pattern*.
        """
        try:
            code = self._code(pattern, options, extra, jit)
        except _CompileError as exc:
            return None, exc.code, exc.offset
        return code.captures, *(part for name in code.names for part in name)

    def load(self, subject: bytes) -> None:
        """Take the subject of the matches to come."""
        self._subject = subject

    def match(
        self, pattern: bytes, options: int, extra: int, jit: bool, start: int
    ) -> tuple[int, ...]:
        """Look for the first match at or after the offset *start*.

        Returns:
            The number of groups up to the last that took part, then start and
            end of each, -1 for one that did not; or PCRE2's error code.
        """
        code = self._code(pattern, options, extra, jit)
        subject = self._subject
        count: int = _library().match(
            code.pointer, subject, len(subject), start, 0, code.data, self._context
        )
        return count, *(code.offsets[: 2 * count] if count > 0 else ())

    def dfa_match(
        self, pattern: bytes, options: int, extra: int, jit: bool, start: int
    ) -> tuple[int, ...]:
        """Look for the longest of the first matches at or after *start*.

        Returns:
            1, its start and its end; or PCRE2's error code.
        """
        code = self._code(pattern, options, extra, jit)
        subject, workspace = self._subject, self._workspace
        count: int = _library().dfa_match(
            code.pointer,
            subject,
            len(subject),
            start,
            0,
            code.data,
            None,
            workspace,
            len(workspace),
        )
        return (count,) if count < 0 else (1, code.offsets[0], code.offsets[1])

    def message(self, code: int) -> bytes:
        """Return PCRE2's text of an error code."""
        buffer = ctypes.create_string_buffer(_MESSAGE_SIZE)
        _library().get_error_message(code, buffer, len(buffer))
        return buffer.value

    def limit(self, matches: int) -> None:
        """Bound the work of a match: ``lua_regex_match_limit``."""
        _library().set_match_limit(self._context, matches)

    def jit_stack(self, size: int) -> bool:
        """Give machine code a stack of up to *size* bytes; False: no memory."""
        library = _library()
        stack = library.jit_stack_create(JIT_STACK_MIN, size, None)
        if not stack:
            return False
        library.jit_stack_assign(self._context, None, stack)
        if self._free_jit_stack is not None:
            self._free_jit_stack()
        self._free_jit_stack = weakref.finalize(self, library.jit_stack_free, stack)
        return True


def functions() -> dict[str, Callable[..., Any]]:
    """Return the host namespace ``regex`` of one VM.

    ``library()`` answers the library's name, or nil and why there is none; the
    others are of use only where there is one.
    """
    engine = _Engine()
    return {
        "library": lambda: find_library().encode(),
        "compile": engine.compile,
        "load": engine.load,
        "match": engine.match,
        "dfa_match": engine.dfa_match,
        "message": engine.message,
        "limit": engine.limit,
        "jit_stack": engine.jit_stack,
    }
