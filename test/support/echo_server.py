"""A server script for `child_process.child.Child`, run under this interpreter."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(sys.argv[0]).resolve().parents[2] / "action_images_ros/child_process"))

from serve import serve


class Echo:
    def twice(self, value):
        return 2 * value

    def path(self):
        return os.environ.get("PYTHONPATH")

    def fail(self):
        raise ValueError("this cannot be")

    def end(self):
        os._exit(3)

    def _hidden(self):
        return 1


serve(Echo())
