"""A team's applications beside Tandem. Some have the same names as Tandem's applications."""
