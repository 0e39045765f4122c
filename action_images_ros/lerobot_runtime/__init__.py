"""LeRobot's policies as policies of this package: LeRobot runs in an environment of its own, as a child process."""
