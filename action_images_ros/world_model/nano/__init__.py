"""The nano backend: a small diffusion transformer in pixel space, and the regression baseline."""
