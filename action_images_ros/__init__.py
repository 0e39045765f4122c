"""Action Images on ROS 2: one video model as policy, simulator and labeller of a robot arm."""
