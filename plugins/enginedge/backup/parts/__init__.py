"""Restoring a part of a store, in its place or under another name; one module a kind of store."""
