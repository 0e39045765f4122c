"""What ROS messages say, read and written without ROS: for nodes, recordings and labels alike."""
