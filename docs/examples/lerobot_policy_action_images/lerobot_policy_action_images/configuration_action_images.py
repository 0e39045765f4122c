"""What `--policy.type=action_images` takes."""

from __future__ import annotations

from dataclasses import dataclass

from lerobot.configs.policies import PreTrainedConfig

__all__ = ["ActionImagesConfig"]


@PreTrainedConfig.register_subclass("action_images")
@dataclass
class ActionImagesConfig(PreTrainedConfig):
    """model: a folder or a name in `models/` of action_images_ros. n_action_steps: of a chunk that are executed before
    the next observation. runtime: torch, torch-bf16, onnx or onnx-int8. threads: CPU threads, all where None. seed: of
    the sampler's noise.
    """

    model: str = "metaworld"
    n_action_steps: int = 4
    runtime: str = "torch"
    threads: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_action_steps < 1:
            raise ValueError(f"n_action_steps is {self.n_action_steps}; execute at least 1 step of each chunk")

    @property
    def observation_delta_indices(self) -> None:
        """One observation at a time."""
        return None

    @property
    def action_delta_indices(self) -> list[int]:
        """Actions of a chunk."""
        return list(range(self.n_action_steps))

    @property
    def reward_delta_indices(self) -> None:
        """No rewards."""
        return None

    def get_optimizer_preset(self) -> None:
        """Models are trained with `action-images train`."""
        raise NotImplementedError("action_images is not trained by LeRobot; use `action-images train`")

    def get_scheduler_preset(self) -> None:
        """See `get_optimizer_preset`."""
        return None

    def validate_features(self) -> None:
        """Checked with each observation, since cameras may differ from task to task."""
