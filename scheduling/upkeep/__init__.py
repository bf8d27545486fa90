"""What keeps the ledger whole and small."""
