"""byoa: bring your own algorithm to Amazon SageMaker, or run it here with the same requests."""

__version__ = "0.1.0"
