"""`python3 dev.py drill chaos`: a whole stack under load, with a random fault each half minute; then it is checked.

It is also a Django application of the processes that the drill starts, with the jobs in `jobs.py`.
"""
