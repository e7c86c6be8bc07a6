"""What the vault costs beside its peers: `make bench` measures, and writes build/bench.jsonl."""
