"""The world model: one video model over a canvas of video and action-image segments, and the backends that run it."""
