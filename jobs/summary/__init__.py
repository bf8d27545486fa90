"""The parts of `report.tasks`: reading the ledger, computing the figures, and writing them as HTML, text and CSV."""
