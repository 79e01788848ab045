"""The part of Marquez's HTTP API that its clients and its page use, one router a resource."""
