"""The only reads and writes of Spark: sources, parsing, audit, publishing, quarantine. Tables declare and transform."""
