"""Reviews of expressions, schedules and whole crontabs, for people to read. Nothing in them is run."""
