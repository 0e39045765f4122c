"""The 5 B backend: the published Action Images weights on diffusers' Wan classes (docs/wan.md)."""
