"""Real servers and real processes: what Tandem promises when things are started, killed and restarted.

Also a Django application of the processes that these tests start: it brings the jobs in `jobs.py`.
"""
