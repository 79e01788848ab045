"""One module a core table: the pure transform that conforms its rows to the contract."""
