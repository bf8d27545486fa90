"""Tests with real servers and real processes that are started, killed and restarted.

It is also a Django application of the processes that these tests start, with the jobs in `jobs.py`.
"""
