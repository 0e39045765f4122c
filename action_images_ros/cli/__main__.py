"""`python -m action_images_ros.cli`, for launchers of several processes."""

from .main import main

main()
