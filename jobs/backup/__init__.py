"""The parts of `database.backup`: a module for each database engine, and the backup files."""
