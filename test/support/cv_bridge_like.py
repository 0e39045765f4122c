"""Stand-ins that behave as cv_bridge does, where it differs from what a message says too."""

import cv2
import numpy as np

_CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}
_TO_RGB = {
    "bgr8": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
    "mono8": cv2.COLOR_GRAY2RGB,
}


class CvBridge:
    """As on a ROS host: rows are as many whole pixels as fit into step, so other padding shears; short data fail."""

    def __init__(self):
        self.asked = 0

    def imgmsg_to_cv2(self, message, desired):
        assert desired == "rgb8"
        self.asked += 1
        channels = _CHANNELS[message.encoding]
        shape = (message.height, message.step // channels, channels)
        pixels = np.ndarray(shape, np.uint8, buffer=bytes(message.data))[:, : message.width]  # TypeError on short data
        if message.is_bigendian:
            pixels = pixels.byteswap().newbyteorder()  # gone in numpy 2
        if message.encoding == "rgb8":
            return np.ascontiguousarray(pixels)
        return cv2.cvtColor(np.ascontiguousarray(pixels), _TO_RGB[message.encoding])


class Exchanged(CvBridge):
    """One whose bgr8 comes with its colours exchanged, and which cannot do mono8."""

    def imgmsg_to_cv2(self, message, desired):
        if message.encoding == "mono8":
            raise RuntimeError("unrecognised encoding")
        picture = super().imgmsg_to_cv2(message, desired)
        return picture[..., ::-1] if message.encoding == "bgr8" else picture


class Broken:
    """One that was built for another numpy: everything fails."""

    def imgmsg_to_cv2(self, message, desired):
        raise AttributeError("_ARRAY_API not found")
