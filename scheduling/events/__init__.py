"""The log of events: reading it in order, and hearing of news."""
