"""Is the ledger what it promises to be? Reads every row in bounded memory, writes nothing, and says what differs."""
