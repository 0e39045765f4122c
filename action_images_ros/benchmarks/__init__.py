"""Measurements of speed and accuracy: decoder, runtimes, ablation, loader, ROS latency, label robustness."""
