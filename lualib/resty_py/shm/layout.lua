-- How a shared dictionary lies in memory: the numbers of
-- resty_py/shm/layout.py, where they are explained.

return {
    PAGE = 4096, PAGE_REFS = 512,

    -- Header, in words; CAPACITY in doubles.
    MAGIC = 32, VERSION = 33, HASH_CHECK = 39,
    MAGIC_NUMBER = 1380997681, VERSION_NUMBER = 1,
    PAGES = 34, FREE_PAGES = 35, BUCKETS = 36, MASK = 37, DATA = 38,
    COUNT = 41, CAPACITY = 21, QUEUE = 24,

    -- Page descriptors.
    TABLE = 64, DESCRIPTOR = 8, FIRST_PAGE = 16,
    KIND = 0, NEXT = 1, PREVIOUS = 2, LENGTH = 3, SLOT = 4, FRESH = 5,
    USED = 6, LIVE = 7,
    FREE = 1, FREE_TAIL = 2, RUN = 12, RUN_TAIL = 13,
    MIN_CLASS = 3, MAX_CLASS = 11, MAX_SLOT = 2048,

    -- Entries: words, a double, a byte.
    CHAIN = 0, HASH = 1, NEWER = 2, OLDER = 3, EXPIRES = 2, FLAGS = 6,
    SIZE = 7, TYPE = 8, KEY_SIZE = 9, FIRST = 10, LAST = 11, KEY = 48,

    -- Nodes of lists: words, a byte.
    NODE_NEXT = 0, NODE_PREVIOUS = 1, NODE_SIZE = 2, NODE_TYPE = 3,
    NODE_VALUE = 16,

    -- Types.
    NIL = 0, BOOLEAN = 1, NUMBER = 3, STRING = 4, LIST = 5, TORN = 6,

    ENTRY_COST = 68, LIST_COST = 16, NODE_COST = 21, EVICTIONS = 30,
    MAX_VALUE = 2147475455,
}
