"""The world model on onnxruntime: policy mode and its video, without torch.

The graphs hold the networks; this module adds the text, the encoded present pose and the sampling steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...codec.encode import to_uint8
from ...policy.card import ModelCard
from ...policy.observation import Observation
from ...policy.prediction import Prediction
from ..canvas import build_canvas
from ..inputs import check_latest, copied_with_steps, model_inputs
from ..schedule import noise, schedule
from ..stopwatch import Stopwatch
from ..text import TextEncoder
from .files import OUTPUTS, check_export, export_name, facts, weights_hash

__all__ = ["CPU", "OnnxWorldModel"]

CPU = "CPUExecutionProvider"


class OnnxWorldModel:
    """The nano model's exports: a `Policy` that also generates video, with WorldModel's noise for a seed.

    threads: of onnxruntime on the CPU, all where None. providers: execution providers in order of preference, the CPU
    where empty. int8: the quantised graphs. Raises FileNotFoundError and ValueError with the remedy, here for the
    card and the providers, in `prepare` or the first `predict` for the graphs.
    """

    def __init__(
        self,
        folder: Path,
        *,
        text: TextEncoder | None = None,
        threads: int | None = None,
        providers: Sequence[str] = (),
        int8: bool = False,
    ) -> None:
        self.folder, self.card, self.int8 = folder, ModelCard.load(folder), int8
        self.providers = _available(providers)
        self.threads = threads or 0
        self.text = text or TextEncoder()
        self._weights = weights_hash(folder)
        self._sessions: dict[tuple[str, int], object] = {}
        self.steps = 1
        self._latest: Prediction | None = None
        self._video_inputs: tuple[Any, ...] = ()

    def prepare(self, views: int, video: bool = False) -> None:
        """Load the graphs for chunks of this number of views; `video`: also those of the predicted video."""
        for mode in ("policy", "world") if video else ("policy",):
            self._session(mode, views)

    def predict(
        self,
        observation: Observation,
        *,
        mode: str = "policy",
        video: bool = False,
        seed: int = 0,
        steps: int | None = None,
    ) -> Prediction:
        """Predict one chunk, as WorldModel.predict does in mode "policy"; other modes are for torch."""
        steps = self.steps if steps is None else steps
        if mode != "policy":
            raise ValueError(f"mode = {mode!r}: onnxruntime runs 'policy' alone; load the model with runtime 'torch'")
        self.prepare(len(observation.images), video)
        watch = Stopwatch()
        feed = self.inputs(observation, watch)
        drawn = feed["actions"]
        actions = self._generate("policy", feed, steps, seed)
        actions[:, 0] = to_uint8(drawn[:, 0])
        watch.lap("denoise")
        prediction = Prediction.from_images(observation, self.card.dt, actions, stage_seconds=watch.seconds)
        self._latest, self._video_inputs = prediction, (feed, steps, seed)
        return self.paint_video(prediction) if video else prediction

    def paint_video(self, prediction: Prediction) -> Prediction:
        """The latest prediction again, with its video; see `PaintsVideo`."""
        check_latest(prediction, self._latest)
        if prediction.video is not None:
            return prediction
        feed, steps, seed = self._video_inputs
        watch = Stopwatch()
        actions = prediction.images().astype(np.float32) / 255
        frames = self._generate("world", feed | {"actions": actions}, steps, seed)
        frames[:, 0] = feed["images"]
        watch.lap("video")
        self._latest = prediction.with_video(frames, watch.seconds)
        return self._latest

    def with_steps(self, steps: int) -> OnnxWorldModel:
        """The same model with this number of sampling steps; see `Sampled`."""
        return copied_with_steps(self, steps)

    def inputs(self, observation: Observation, watch: Stopwatch | None = None) -> dict[str, np.ndarray]:
        """Inputs of the policy graph from an observation, except ``noised`` and ``level``."""
        watch = watch or Stopwatch()
        text = self.text.encode([observation.instruction])[0][0]
        watch.lap("text")
        drawn, rays = model_inputs(observation, self.card)
        watch.lap("encode")
        return {"images": observation.images, "actions": drawn, "rays": rays, "text": text}

    def _generate(self, mode: str, feed: dict[str, np.ndarray], steps: int, seed: int) -> np.ndarray:
        """Frames of one graph after these sampling steps; the arithmetic of `sampler.generate`."""
        views, height, width = feed["images"].shape[:3]
        session = self._session(mode, views)
        x = noise(build_canvas(mode, views, self.card.frames), (height, width), [seed])
        levels = schedule(steps)
        for level, following in zip(levels[:-1], levels[1:], strict=True):
            frames, clean = session.run(OUTPUTS, feed | {"noised": x, "level": np.array(level, np.float32)})
            if not np.isfinite(clean).all():
                path = self.folder / export_name(mode, views, self.int8)
                raise ValueError(
                    f"{path} gives values that are not finite: its weights are damaged; "
                    f"`action-images export {self.folder} --views {views}` writes it anew"
                )
            x = clean + (x - clean) * np.float32(following / level)
        return frames

    def _session(self, mode: str, views: int):
        if (mode, views) not in self._sessions:
            self._sessions[mode, views] = self._open(mode, views)
        return self._sessions[mode, views]

    def _open(self, mode: str, views: int):
        import onnxruntime

        path = self.folder / export_name(mode, views, self.int8)
        if not path.is_file():
            there = sorted(p.name for p in self.folder.glob("*views*.onnx"))
            asked = " --video" * (mode == "world") + " --int8" * self.int8
            raise FileNotFoundError(
                f"{self.folder} has no {path.name} (exported are: {', '.join(there) or 'none'}); make it with "
                f"`action-images export {self.folder} --views {views}{asked}`"
                + (", or ask for no video (video_every: 0)" if mode == "world" else "")
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=self.providers)
        except Exception as error:  # onnxruntime's own classes derive from Exception alone
            raise ValueError(f"{path} cannot be run by onnxruntime: {error}; export it again") from None
        if session.get_providers()[0] != self.providers[0]:
            raise ValueError(
                f"onnxruntime could not start {self.providers[0]} and fell back to "
                f"{session.get_providers()[0]}; install the libraries that it needs, or leave it out"
            )
        found = session.get_modelmeta().custom_metadata_map
        check_export(path, found, facts(self.card, mode, views, self.int8, self._weights))
        return session


def _available(providers: Sequence[str]) -> list[str]:
    import onnxruntime

    wanted, there = list(providers) or [CPU], onnxruntime.get_available_providers()
    missing = [name for name in wanted if name not in there]
    if missing:
        raise ValueError(
            f"providers: {', '.join(missing)} is not in this onnxruntime, which has {', '.join(there)}; "
            "onnxruntime-gpu has CUDAExecutionProvider and TensorrtExecutionProvider"
        )
    return wanted
