"""Pipelines here: read from disk, decided by byoa.plan.pipeline, run, recorded, shown."""
