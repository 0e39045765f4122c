"""Names of the array types; shapes are in the docstrings of the functions that use them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "ArrayLike", "Bools", "Floats", "Images", "Integers"]

ArrayLike = npt.ArrayLike
Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]
Images = npt.NDArray[np.uint8]
