"""Thin adapters between Airflow and the library: nothing here knows how anything is done."""
