"""Calling code that lives in another Python environment, over a socket pair."""
