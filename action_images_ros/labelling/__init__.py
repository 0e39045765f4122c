"""Labels of recordings: the model's label mode on overlapping windows, offline and in the live graph.

`planner` cuts frames into windows, `labeller` runs the model on them, `merge` combines the windows into one label per
frame; `offline` does all that for a recording, `nodes/label_node.py` for the running graph.
"""
