"""Nothing is normalised: the policy takes pictures of 0..1, poses in metres and calibrations as they are."""

from __future__ import annotations

from typing import Any

from lerobot.processor import PolicyProcessorPipeline
from lerobot.processor.converters import policy_action_to_transition, transition_to_policy_action
from lerobot.utils.constants import POLICY_POSTPROCESSOR_DEFAULT_NAME, POLICY_PREPROCESSOR_DEFAULT_NAME

from .configuration_action_images import ActionImagesConfig

__all__ = ["make_action_images_pre_post_processors"]


def make_action_images_pre_post_processors(
    config: ActionImagesConfig, dataset_stats: Any = None
) -> tuple[PolicyProcessorPipeline, PolicyProcessorPipeline]:
    """Two empty pipelines."""
    return (
        PolicyProcessorPipeline(steps=[], name=POLICY_PREPROCESSOR_DEFAULT_NAME),
        PolicyProcessorPipeline(
            steps=[],
            name=POLICY_POSTPROCESSOR_DEFAULT_NAME,
            to_transition=policy_action_to_transition,
            to_output=transition_to_policy_action,
        ),
    )
