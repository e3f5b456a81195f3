"""What Lua may ask of Python: one module per family of host functions."""
