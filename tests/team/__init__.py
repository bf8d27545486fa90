"""Applications as a team has them beside Tandem: with names of their own, some of which are also ours."""
