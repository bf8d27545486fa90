"""The only path that runs a job, and what goes on around a job while it runs."""
