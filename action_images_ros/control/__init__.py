"""From time-stamped chunks of poses to limited commands of one arm; nothing of ROS, the time is always given."""
