"""What the vault costs beside its peers: `make bench` measures, and writes build/bench.jsonl.

A new number is one function that takes a `Run`, measures by `alternate` and yields `Measured`, with `@row`;
a new module of rows is one word in `__main__.MODULES`. `python -m tests.benchmarks WORD` runs the rows whose
names contain the word. The ratio is always ours to the peer's. Seconds of fields are those of the processor;
seconds of pages are those of the clock, so measure them on a machine that does nothing else.
"""
