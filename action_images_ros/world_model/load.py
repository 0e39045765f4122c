"""The backends of this package: one function per entry of `policy.entries`, each loads a model folder.

Add a backend: a function here that takes `PolicyOptions` and returns a `Policy`, and a line in `policy.entries`. What
needs torch or onnxruntime is imported when it is called.
"""

from __future__ import annotations

from ..policy.protocol import Policy
from ..policy.registry import PolicyOptions

__all__ = ["load_nano", "load_onnx", "load_regression", "load_wan"]


def load_nano(options: PolicyOptions) -> Policy:
    """The nano model on torch; a folder whose `config.json` names the regression baseline gives that."""
    folder, card = options.model()
    _refuse_settings(options)
    _use_torch(options)
    from .nano.checkpoints import load_network
    from .nano.model import WorldModel
    from .nano.regression_model import RegressionModel
    from .nano.regressor import PoseRegressor

    network = load_network(folder)
    kind = RegressionModel if isinstance(network, PoseRegressor) else WorldModel
    return kind(network, card, bfloat16=options.runtime == "torch-bf16")


def load_regression(options: PolicyOptions) -> Policy:
    """The regression baseline on torch; ValueError where the folder holds another network."""
    from .nano.regression_model import RegressionModel

    policy = load_nano(options)
    if not isinstance(policy, RegressionModel):
        raise ValueError(
            f"backend of {options.folder} is 'regression'; its weights are those of a nano model: correct the card"
        )
    return policy


def load_onnx(options: PolicyOptions) -> Policy:
    """What `action-images export` wrote into a nano model's folder, on onnxruntime."""
    folder, _ = options.model()
    _refuse_settings(options)
    from .onnx.model import OnnxWorldModel

    loaded = OnnxWorldModel(
        folder, threads=options.threads, providers=options.providers, int8=options.runtime == "onnx-int8"
    )
    if options.views is not None:
        loaded.prepare(options.views, options.video)
    return loaded


def load_wan(options: PolicyOptions) -> Policy:
    """The 5 B model on torch; ``options.settings`` replace values of its `settings.json`."""
    folder, _ = options.model()
    if options.runtime != "torch":
        raise ValueError(f"runtime is {options.runtime!r}; the wan backend of {folder} runs with torch only")
    _use_torch(options)
    from .wan.load import load_wan as load

    return load(folder, options.settings)


def _use_torch(options: PolicyOptions) -> None:
    if not options.runtime.startswith("torch"):
        raise ValueError(f"runtime is {options.runtime!r}; the backend of {options.folder} runs with torch only")
    if options.providers:
        raise ValueError(
            f"providers is {list(options.providers)}; they belong to the onnx runtimes, runtime is {options.runtime!r}"
        )
    import torch

    if options.threads is not None:
        torch.set_num_threads(options.threads)


def _refuse_settings(options: PolicyOptions) -> None:
    if options.settings:
        raise ValueError(f"settings is {dict(options.settings)}; only the wan backend has any, leave them out")
