"""EnginEdge's library: how the lake, the backups, the deploys and the health audits are run.

It knows neither Airflow nor Spark, and importing it reads and writes nothing.
"""
