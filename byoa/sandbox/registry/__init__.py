"""A container registry for `docker push` and `docker pull`, which ECR's API reads too.

The protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""
