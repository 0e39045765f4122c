"""A message heard by two subscriptions counts once, said again it counts again."""

from action_images_ros.ros.once import Once


def test_a_message_heard_twice_counts_once():
    heard, now = [], [0.0]
    once = Once(heard.append, lambda: now[0])
    latched, volatile = once.hears("latched"), once.hears("volatile")
    for both in ("lift", "push", "push"):
        latched(both)
        volatile(both)
    assert heard == ["lift", "push", "push"]
    volatile("by tool")
    latched("late joiner")
    now[0] = 5.0
    volatile("late joiner")
    assert heard[3:] == ["by tool", "late joiner", "late joiner"]
