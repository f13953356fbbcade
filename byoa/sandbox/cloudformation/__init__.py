"""CloudFormation: stacks of what the sandbox can make, made through the sandbox's own API."""
