"""What a host does while the database is away, written down on its own disk.

Why it is as it is: docs/decisions/runs-without-a-database.md.
"""
