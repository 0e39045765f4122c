"""What the ROS messages, topics and nodes of the graph are, read and written without ROS."""
