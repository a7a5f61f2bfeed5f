"""One file a verb: load, call, write."""
