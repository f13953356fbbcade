"""What handlers import of AWS's sagemaker-inference: formats in, formats out, errors."""
