"""Errors of poses, tracks and images, confidence intervals and paired tests."""
