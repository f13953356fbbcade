"""Notebooks, run in the task's own process: no kernel is started for Python."""
