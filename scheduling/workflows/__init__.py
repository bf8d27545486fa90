"""Tasks that depend on each other: chains, groups, chords and callbacks, stored as rows of the database."""
