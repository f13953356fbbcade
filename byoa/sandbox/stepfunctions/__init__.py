"""Step Functions: our own interpreter of the States Language, with redrive, stop and JSONata."""
