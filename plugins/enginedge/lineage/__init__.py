"""Lineage: one endpoint for the events of Airflow, Spark, Trino and dbt, one name for each table, and the graph over
them.

Emitters write OpenLineage events to a spool folder or post them; the relay stores them in PostgreSQL before it
answers, forwards them to Marquez where there is one, and answers the part of Marquez's HTTP API that its clients and
its page use.
"""
