"""Import torchvision where its compiled operators are missing, as beside a CPU build of torch from another index.

Runs in LeRobot's virtual environment. No policy that is loaded here calls the operators.
"""

import sys
from typing import Any

operators: Any = None  # a library ends with its object


def import_torchvision() -> None:
    """Import it; where its operators are missing, two of them are declared first, which its modules describe."""
    import torch

    try:
        import torchvision  # noqa: F401
    except (RuntimeError, OSError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        global operators
        operators = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401
