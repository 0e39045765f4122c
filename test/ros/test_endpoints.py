from types import SimpleNamespace

from action_images_ros.ros.endpoints import UNKNOWN, other_publishers


class Graph:
    """A node arm_command of process 1, and (process, name) of every publisher."""

    def __init__(self, *publishers):
        self.publishers = publishers

    def get_namespace(self):
        return "/cell"

    def get_name(self):
        return "arm_command"

    def get_publishers_info_by_topic(self, topic):
        return [
            SimpleNamespace(node_name=name, node_namespace="/cell", endpoint_gid=[process] * 12 + [0, 0, index, 3])
            for index, (process, name) in enumerate(self.publishers)
        ]


def others(*publishers):
    return [info.node_name for info in other_publishers(Graph(*publishers), "/cell/target_pose")]


def test_another_node_and_a_second_of_the_same_name_are_others():
    own = (1, "arm_command")
    assert others(own) == []
    assert others(own, (2, "teleop"), (2, "arm_command")) == ["teleop", "arm_command"]


def test_what_this_process_destroys_is_no_other_and_an_unnamed_stranger_is():
    own = (1, "arm_command")
    assert others(own, (1, UNKNOWN)) == []
    assert others(own, (2, UNKNOWN)) == [UNKNOWN]


def test_its_own_publisher_may_have_lost_its_name():
    assert others((1, UNKNOWN)) == []
    assert others((1, UNKNOWN), (2, UNKNOWN), (2, "teleop")) == [UNKNOWN, "teleop"]
