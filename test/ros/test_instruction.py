"""What is said last holds, is to be read by late listeners, and an echo of one's own words says nothing."""

import pytest
from std_msgs.msg import String

from action_images_ros.interfaces.instruction import MAX_CHARACTERS
from action_images_ros.ros.instruction import InstructionTopic


class Topic:
    """A latched topic whose messages come back late and in order."""

    def __init__(self):
        self.said, self.changed = [], []
        self.topic = InstructionTopic(lambda: self, self.changed.append)

    def publish(self, message):
        self.said.append(message.data)

    def hear(self, *texts):
        for text in texts:
            self.topic.heard(String(data=text))


def test_what_a_user_says_is_kept_for_late_listeners_once():
    topic = Topic()
    topic.hear("lift", "lift", "lift ")
    assert topic.said == ["lift"] and set(topic.changed) == {"lift"}


def test_late_echoes_of_two_instructions_change_nothing():
    topic = Topic()
    topic.hear("lift", "push")
    topic.hear(*topic.said)
    assert topic.topic.text == "push" and topic.said == ["lift", "push"] and topic.changed == ["lift", "push"]
    topic.hear("lift")  # the user again
    assert topic.topic.text == "lift" and topic.said[-1] == "lift"


def test_only_the_last_of_several_own_messages_comes_back():
    topic = Topic()
    for text in ("a", "b", "c"):
        topic.topic.say(text)
    topic.hear("c", "a")
    assert topic.topic.text == "a"


@pytest.mark.parametrize("text", ["x" * (MAX_CHARACTERS + 1), "lift\x00", "lift\nthe block", "\x1b[31mlift"])
def test_what_is_no_instruction_changes_nothing(text):
    topic = Topic()
    topic.hear("lift")
    with pytest.raises(ValueError, match="instruction is"):
        topic.hear(text)
    assert topic.topic.text == "lift" and len(topic.said) == 1
