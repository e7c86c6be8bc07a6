"""Acts of weight: announced in the ledger, and done only once somebody outside the database knows of it."""
