"""The tasks of workflows as rows that depend on rows."""
