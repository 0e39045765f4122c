"""The ROS graph as processes: options, environment, supervisor, session and client."""
