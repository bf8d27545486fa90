"""Private servers for tests. Only `programs` is free of packages: dev.py reads it before there are any."""
