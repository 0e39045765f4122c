"""A LeRobot policy behind `serve`: an observation in, a chunk of actions out, both in LeRobot's own terms.

Runs in LeRobot's virtual environment and imports nothing of this project but its own neighbours.
"""

import os
import sys
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
sys.path[:0] = [str(Path(__file__).resolve().parents[k] / name) for k, name in ((0, ""), (1, "child_process"))]

import torch  # noqa: E402
from serve import serve  # noqa: E402
from torchvision_operators import import_torchvision  # noqa: E402

import_torchvision()

from lerobot.configs.policies import PreTrainedConfig  # noqa: E402
from lerobot.policies.factory import get_policy_class, make_pre_post_processors  # noqa: E402
from lerobot.policies.utils import populate_queues  # noqa: E402
from lerobot.utils.constants import ACTION, OBS_IMAGES  # noqa: E402


class LeRobotServer:
    """One pretrained policy at a time."""

    def open(self, folder: str, threads: int | None = None, device: str = "cpu") -> dict:
        """Load a `pretrained_model` folder; its type and its features as {name: (type, shape)}."""
        if threads is not None:
            torch.set_num_threads(threads)
        config = PreTrainedConfig.from_pretrained(folder)
        config.device = device
        self._policy = get_policy_class(config.type).from_pretrained(folder, config=config)
        self._policy.eval()
        overrides = {"device_processor": {"device": device}}
        self._before, self._after = make_pre_post_processors(config, folder, preprocessor_overrides=overrides)
        self._config = config
        return {"type": config.type, "inputs": _told(config.input_features), "outputs": _told(config.output_features)}

    def predict(self, images: dict, vectors: dict, task: str, seed: int) -> object:
        """Actions float `[N, A]` of one observation.

        images: uint8 RGB `[H, W, 3]`, vectors: float `[n]`, both by the names of the policy's inputs. A policy that
        sees several past steps is shown this one for all of them: the same observation and seed give the same chunk.
        """
        batch = {name: torch.from_numpy(image.copy()).permute(2, 0, 1)[None] / 255 for name, image in images.items()}
        batch |= {name: torch.as_tensor(value, dtype=torch.float32)[None] for name, value in vectors.items()}
        batch = self._before(batch | {"task": [task]})
        torch.manual_seed(seed)
        self._policy.reset()
        with torch.inference_mode():
            self._remember(batch)
            actions = self._after(self._policy.predict_action_chunk(batch))
        return actions[0].float().cpu().numpy()

    def _remember(self, batch: dict) -> None:
        queues = getattr(self._policy, "_queues", None)
        if not queues:
            return
        if OBS_IMAGES in queues and self._config.image_features:
            batch[OBS_IMAGES] = torch.stack([batch[name] for name in self._config.image_features], dim=-4)
        self._policy._queues = populate_queues(queues, batch, exclude_keys=[ACTION])


def _told(features: dict) -> dict:
    return {name: (feature.type.name, tuple(feature.shape)) for name, feature in (features or {}).items()}


if __name__ == "__main__":
    serve(LeRobotServer())
