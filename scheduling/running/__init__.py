"""What goes on around a job while it runs."""
