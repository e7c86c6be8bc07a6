"""Keys, sealing, and search over sealed text; it knows nothing of records, roles or the web."""
