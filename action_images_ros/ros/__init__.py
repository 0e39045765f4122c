"""Everything that knows ROS but is no node: conversions, QoS by meaning, the tables of nodes and topics, starters."""
