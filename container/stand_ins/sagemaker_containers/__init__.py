"""What scripts import of AWS's sagemaker-containers, the older toolkit."""
