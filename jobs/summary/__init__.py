"""What `report.tasks` is made of: figures from the ledger, and how they are written down."""
