"""AWS Batch, its jobs carried out: in docker, or as processes of this machine."""
