"""The only code that runs jobs, with the log, the time limits and the cancellation of a running job."""
