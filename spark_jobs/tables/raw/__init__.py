"""One module a raw table: which records of which source it takes, as they came."""
