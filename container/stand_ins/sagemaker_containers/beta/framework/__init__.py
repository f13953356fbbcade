"""content_types, encoders, errors and worker; of the rest only the names exist."""
