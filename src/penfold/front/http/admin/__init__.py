"""The administration API at /admin/v1: who may call what, and what serves it."""
