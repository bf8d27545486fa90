"""Both sides of benchmarks/api.py: what runs in the web processes, and the rows that they find."""
