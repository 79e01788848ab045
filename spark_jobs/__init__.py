"""What is computed in Spark: one module a table, and the engine that owns every read and every write."""
