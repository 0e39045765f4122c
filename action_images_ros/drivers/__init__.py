"""Arm and gripper drivers of other packages: their interfaces, units and limits, without ROS."""
