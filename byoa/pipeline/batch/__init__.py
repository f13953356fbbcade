"""Pipelines on AWS Batch: submitted, watched, gone on with, counted, fetched, removed."""
