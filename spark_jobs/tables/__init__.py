"""One module a table: where its records come from (raw), how its rows are conformed (core). Nothing is read here."""
