"""One schedule: its page, and what can be done with it."""
