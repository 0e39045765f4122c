"""Camera calibration from the arm's own motion: where the gripper is in the pictures, where it is in space.

`readings` holds both, `resection` solves one camera, `hypotheses` names errors of the rig, `estimate` judges all
cameras, `watch` does so while the arm works, `motion` plans the calibration motion. No torch, no ROS.
"""
