"""Papers of a case: documents kept whole, sealed in pieces."""
