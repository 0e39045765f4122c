"""Environments behind one seam: the simulated cell and benchmarks that others wrote."""
