"""The library's steps as Dagster sees them: assets, checks, jobs, schedules, sensors.

Thin on purpose: a decorator, one call into `si_analytics`, metadata. What the numbers mean is written
in ``sql/``; how a refresh goes is written in `si_analytics.refresh`.
"""
