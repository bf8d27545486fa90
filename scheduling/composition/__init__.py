"""What a workflow may look like, as values: no database."""
