"""Puts this folder on the import path: the helpers beside it serve all tests."""
