"""How good it is: the decoder against its bound, policies in the closed loop, each beside its ceiling."""
