"""LeRobot datasets: tables and videos, read and written."""
