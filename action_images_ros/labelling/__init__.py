"""Labels of recordings: the model's label mode on overlapping windows, offline and in the live graph.

`planner` cuts frames into windows, `labeller` runs the model on them, `merge` makes one label per frame of what the
windows say; `offline` does all that for a recording, `nodes/label_node.py` for the running graph.
"""
