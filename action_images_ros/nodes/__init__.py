"""The ROS nodes: parameters, subscriptions, one call into the core, publications."""
