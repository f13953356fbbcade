"""Where its public names are."""
