"""The fault campaign: faults of every kind against the live graph in the cell, and what became of each."""
