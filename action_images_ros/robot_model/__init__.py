"""What the arm is made of: joints, links and their shapes from MJCF or URDF, and the check of a chunk against them."""
