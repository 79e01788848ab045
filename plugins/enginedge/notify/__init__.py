"""Telling people: a message goes out by every channel that the environment names, and none is named by default."""
