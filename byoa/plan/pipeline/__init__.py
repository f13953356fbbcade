"""A pipeline as data: what pipeline.yaml means, what must run and why. Pure."""
