import os
import socket
import sys

import pytest
from recordings import tree
from scripted_labeller import scripted

from action_images_ros.data.rosbag2.bag import Bag
from action_images_ros.scale.bags import find_bags
from action_images_ros.scale.manifest import Manifest
from action_images_ros.scale.many import label_many
from action_images_ros.scale.ray_pool import RayPool, room


def test_a_worker_killed_on_a_cluster_of_two_loses_nothing(tmp_path, bags, monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'action_images_ros[ray]'")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))  # for the workers
    (tmp_path / "log").mkdir()
    before = tree(bags)
    with Manifest(tmp_path / "out", find_bags([bags]), {}) as manifest:
        pool = RayPool(scripted(log=tmp_path / "log", kill="b1", stumble="b3"), "local", workers=2)
        try:
            summary = label_many(manifest, pool)
        finally:
            pool.close()
    assert len(summary.done) == 5 and summary.retried == 2
    tries = [path.name.split(".") for path in (tmp_path / "log").iterdir()]
    assert sorted(name for name, *_ in tries) == ["b0", "b1", "b1", "b2", "b3", "b3", "b4"]
    assert len({pid for _, pid, _ in tries}) >= 2 and str(os.getpid()) not in {pid for _, pid, _ in tries}
    for index in range(5):
        with Bag(tmp_path / "out" / f"b{index}") as bag:
            assert bag.topics["/label/note"].count == 1
    assert not list((tmp_path / "out" / ".work").iterdir()) and tree(bags) == before


def test_missing_ray_is_told_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install 'action_images_ros\[ray\]'"):
        RayPool(scripted(), "local")


@pytest.mark.parametrize(
    "address, words", [("nonsense", "give HOST:PORT"), ("ray://here", "give HOST:PORT"), ("", "give HOST:PORT")]
)
def test_an_address_that_is_none_is_refused(address, words):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'action_images_ros[ray]'")
    with pytest.raises(ValueError, match=words):
        RayPool(scripted(), address)


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_cluster_that_does_not_answer_is_told_at_once(scheme):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'action_images_ros[ray]'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        address = f"{scheme}127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ValueError, match=f"{address}.*ray start --head"):
            RayPool(scripted(), address)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"workers": 0}, "workers is 0"),
        ({"cpus": 0}, "ray-cpus is 0"),
        ({"gpus": 1.5}, "ray-gpus is 1.5"),
        ({"gpus": -1}, "ray-gpus is -1"),
    ],
)
def test_impossible_shares_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        RayPool(scripted(), "local", **options)


def test_workers_fit_where_a_node_has_all_they_need():
    nodes = [{"CPU": 16.0, "GPU": 2.0}, {"CPU": 16.0, "GPU": 0.0}, {"CPU": 3.0, "GPU": 8.0}]
    assert room(nodes, {"CPU": 1.0, "GPU": 0.0}) == 35
    assert room(nodes, {"CPU": 1.0, "GPU": 1.0}) == 2 + 0 + 3
    assert room(nodes, {"CPU": 0.1, "GPU": 0.5}) == 4 + 0 + 16
    assert room(nodes, {"CPU": 32.0, "GPU": 0.0}) == 0
