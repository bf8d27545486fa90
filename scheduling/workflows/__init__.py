"""Tasks that depend on each other: chains, groups, chords and callbacks, as rows that wait for rows."""
