"""What Step Functions would refuse in a definition, one kind of mistake a file."""
