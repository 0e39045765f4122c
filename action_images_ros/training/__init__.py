"""Training of the world model: configuration, batches, losses, the loop and its measurements."""
