"""How a shared dictionary lies in memory: the words that both halves read.

A zone is one shared mapping. ``lualib/resty_py/shm/layout.lua`` holds the same
numbers for the half that LuaJIT's FFI runs; a test compares them.

Units. A *word* is a native ``int32``, numbered from the start of the mapping. A
*ref* is an ``int32`` too: an offset in units of eight bytes, so 16 GiB can be
reached; 0 is none. Doubles lie on multiples of eight bytes and are numbered as
refs are. There are no pointers: every process maps a zone where it likes.

::

    byte 0      the mutex: pthread_mutex_t, process-shared, robust
    byte 128    the header, words MAGIC to COUNT
    byte 192    the head of the LRU queue, laid out as the start of an entry
    byte 256    page descriptors of 8 words: 16 list heads, then one a page
                the buckets: one ref each, a power of two of them
    DATA        the pages, 4096 bytes each

What lies before DATA comes on top of the declared size. The pages are as many,
and are given away as, in nginx's slab pool of that size, and entries take as
much of them as nginx's: so what fits in, what is evicted and what
``free_space()`` says are the same. The first two slots taken are those of
nginx's own bookkeeping.

*Page descriptors.* ``KIND`` is 0 for a list head, a class (3 to 11: a page of
slots of 2**class bytes), ``FREE`` for the first page of a free run,
``FREE_TAIL`` for its others, ``RUN`` and ``RUN_TAIL`` for a run that holds one
large thing. Lists are circular, by numbers of descriptors: 0 heads that of free
runs, the last freed first; a class heads that of its pages with slots to give.

- ``LENGTH``: pages of the run. In the last page of a free run of several: the
  number of its first.
- ``SLOT``: the last freed slot, which holds the ref of the one before.
- ``FRESH``: slots that were given away at least once. ``USED``: that are now.
- ``LIVE``: bit *i* is set where slot *i* (of a run: 0) is an entry.

*Entries*, from their ref: chain (the next of the bucket), hash, the newer and
the older of the LRU queue (words); expiry in ms since the epoch, 0 for never
(double); flags, size of the value, type, size of the key, first and last node
of a list (words); the key; at the next multiple of eight the value. The size of
a list is its number of nodes.

*List nodes*: next, previous, size, type (words); the value.

*Crashes.* The kernel tells the next to take the mutex that its owner died (a
thread that finds it taken by itself learns that its last call was broken off).
It then rebuilds the zone (``repair.py``) before anything else. Stores of the
dead process are there up to some point in program order. The truth that the
rebuild starts from is therefore always whole:

1. An entry is there if its LIVE bit is set, which happens when all else of it is
   written; the bit is cleared before anything of it is given up. Keys do not
   change.
2. KIND and LENGTH of a page or run are written while none of its LIVE bits is
   set and none of its slots is a node of a list.
3. A list is what ``next`` leads to from the first node. A push or pop becomes
   true by one store: into the entry's first node, or a node's ``next``. A node
   is filled before. An entry without nodes is none, so the last pop clears LIVE.
4. A number is one store of a double, which is never seen half done.
5. What else is written over an entry's value is marked by type ``TORN`` before
   and by its own type after. A torn entry is dropped: what was under way when
   its writer died is lost, as if it had been evicted.

Everything else, buckets, LRU queue, free slots, free runs, counters, is rebuilt.
The LRU order is kept as far as the queue is whole from either end. A rebuild
changes no truth but by dropping torn or empty entries, so that one who dies in
it leaves the next to begin anew.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Shape"]

PAGE: Final = 4096
PAGE_REFS: Final = PAGE // 8

#: The greatest mapping, in bytes: what refs reach.
MAX_LENGTH: Final = 8 * 2**31

MAGIC_NUMBER: Final = 0x52505A31
VERSION_NUMBER: Final = 1

# Header, in words.
MAGIC: Final = 32
VERSION: Final = 33
PAGES: Final = 34
FREE_PAGES: Final = 35
BUCKETS: Final = 36  # the word where they begin
MASK: Final = 37
DATA: Final = 38  # a ref
HASH_CHECK: Final = 39
REPAIRS: Final = 40
COUNT: Final = 41
CAPACITY: Final = 21  # a double: words 42 and 43

#: The ref of the LRU queue's head.
QUEUE: Final = 24

# Page descriptors.
TABLE: Final = 64  # the word where they begin
DESCRIPTOR: Final = 8  # words
FIRST_PAGE: Final = 16  # the number of the first that is a page's
KIND, NEXT, PREVIOUS, LENGTH, SLOT, FRESH, USED, LIVE = range(8)
FREE, FREE_TAIL, RUN, RUN_TAIL = 1, 2, 12, 13
MIN_CLASS: Final = 3
MAX_CLASS: Final = 11
MAX_SLOT: Final = 1 << MAX_CLASS

# Entries: words, then the double, then where the key begins, in bytes.
CHAIN, HASH, NEWER, OLDER = range(4)
EXPIRES: Final = 2
FLAGS, SIZE, TYPE, KEY_SIZE, FIRST, LAST = range(6, 12)
KEY: Final = 48

# Nodes of lists.
NODE_NEXT, NODE_PREVIOUS, NODE_SIZE, NODE_TYPE = range(4)
NODE_VALUE: Final = 16

# Types: Lua's own numbers, and two more.
NIL, BOOLEAN, NUMBER, STRING, LIST = 0, 1, 3, 4, 5
TORN: Final = 6

#: What nginx's entries and nodes take besides key and value.
ENTRY_COST: Final = 68
LIST_COST: Final = 16
NODE_COST: Final = 21

# Slots that nginx takes first: its queue and tree, and the text for its log.
_OWN_SLOTS = (80, 28)

# What nginx's slab pool takes besides its pages: the pool, nine lists with
# their counts; a page's own record.
_POOL_COST = 200 + 9 * (24 + 32)
_PAGE_COST = 24

#: Evictions that a store may do before it gives up.
EVICTIONS: Final = 30

#: The greatest size of a value.
MAX_VALUE: Final = 0x7FFFFFFF - 2 * PAGE


def slots_of(kind: int) -> int:
    """Return how many slots a page of class *kind* has.

    nginx keeps the map of small slots in the page itself.
    """
    slots = PAGE >> kind
    return slots - max(slots // (8 << kind), 1) if kind < 6 else slots


class Shape:
    """Where the parts of a zone are.

    Args:
        capacity: the declared size.

    Attributes:
        pages: their number.
        buckets: their number.
        first_bucket: the word where they begin.
        data: the ref of the first page.
        length: bytes of the mapping.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.pages = _pages(capacity)
        self.first_bucket = TABLE + (FIRST_PAGE + self.pages) * DESCRIPTOR
        self.buckets = 64
        # The smallest entry takes a slot of 128 bytes.
        while self.buckets < self.pages * (PAGE // 128):
            self.buckets *= 2
        end = (self.first_bucket + self.buckets) * 4
        self.data = -(-end // PAGE) * PAGE_REFS
        self.length = self.data * 8 + self.pages * PAGE


def _pages(capacity: int) -> int:
    """Return how many pages nginx finds in *capacity* bytes."""
    pages = max((capacity - _POOL_COST) // (PAGE + _PAGE_COST), 0)
    start = -(-(_POOL_COST + pages * _PAGE_COST) // PAGE) * PAGE
    return min(pages, (capacity - start) // PAGE)


def own_slots(name: bytes) -> tuple[int, int]:
    """Return the sizes that nginx takes of the zone *name* for itself."""
    return _OWN_SLOTS[0], _OWN_SLOTS[1] + len(name)
