"""`serve`: two tiers, HTTP and model, and the supervisor that keeps both (docs/serving.md)."""
