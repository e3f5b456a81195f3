"""resty-py and the real OpenResty side by side: ``python -m bench``."""
