"""CodeBuild: projects, and builds that run a buildspec's commands on this machine."""
