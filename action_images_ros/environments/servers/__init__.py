"""Scripts that run in the benchmarks' own environment, started by `environments.child`; never imported from here."""
