"""Importing this makes every later import of torch an error, for tests of what must work without."""

import sys


class _Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "diffusers"):
            raise ImportError(f"{name} was imported in a process that is to do without")


assert "torch" not in sys.modules
sys.meta_path.insert(0, _Refusal())
