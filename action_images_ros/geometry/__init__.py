"""Poses, pinhole cameras and multi-view triangulation; numpy and scipy only, nothing of ROS."""
