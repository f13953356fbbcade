"""EventBridge: rules whose targets really start; events of S3, ECR and schedules."""
