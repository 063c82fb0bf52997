"""The library's steps in Dagster: assets, checks, jobs, schedules, sensors.

Thin on purpose: a decorator, one call into `si_analytics`, metadata. ``sql/`` defines what the numbers
mean; `si_analytics.refresh` defines how a refresh runs.
"""
