"""What is shown of a plan, drawn without ROS: annotated strips, colours, agreement of predicted video and actions."""
