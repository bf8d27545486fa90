"""The event log: how to read it in order, and how to learn of new events."""
