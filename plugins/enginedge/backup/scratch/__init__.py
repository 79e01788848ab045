"""Empty servers and folders that a drill restores into: made, used and taken down again within one `with`."""
