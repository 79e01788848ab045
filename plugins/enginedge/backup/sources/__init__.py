"""How each kind of store is dumped, restored and described; one module a kind, none of which knows another."""
