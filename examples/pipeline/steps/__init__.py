"""The steps of the pipeline that are functions."""
