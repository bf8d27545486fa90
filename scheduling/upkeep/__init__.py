"""Repairs what crashes leave behind, and deletes what is old. Each part works when the others fail."""
