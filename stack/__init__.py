"""`python -m stack`: broker, web, worker, beat and cron under one supervisor, for development."""
