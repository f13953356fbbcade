"""Decides: request dicts, names, fingerprints, policies. Pure: no boto3, no clock, no disk."""
