"""The ledger: an append-only Merkle tree of everything that was seen, asked, refused or changed."""
