"""Expressions, schedules and whole crontabs as a person reviews them. Nothing in them is run."""
