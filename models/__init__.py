"""The networks that are compared, each beside its own training function."""
