"""What `database.backup` is made of: one way for each engine, and the files that are kept."""
