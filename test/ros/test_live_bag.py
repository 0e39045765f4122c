"""Messages put in come out in order; what stays true is told again after a silence; nothing fills the memory."""

from threading import Thread

from action_images_ros.ros.live_bag import LiveBag

IMAGE, WORDS = "sensor_msgs/msg/Image", "std_msgs/msg/String"


def _bag(**options):
    return LiveBag({"/image": IMAGE, "/words": WORDS}, **options)


def _taken(bag, topics=None):
    return [(m.topic, m.data, m.log_ns) for m in bag.messages(topics)]


def test_messages_come_in_order_until_the_end():
    bag = _bag()
    bag.put("/words", b"lift", 1, lasting=True)
    bag.put("/image", b"1", 2, lasting=False)
    bag.end()
    assert _taken(bag) == [("/words", b"lift", 1), ("/image", b"1", 2)]
    assert bag.pictures == 1


def test_what_lasts_is_told_again_after_an_end():
    bag = _bag()
    for data in (b"lift", b"push"):
        bag.put("/words", data, 1, lasting=True)
    bag.put("/image", b"1", 2, lasting=False)
    bag.end()
    bag.put("/image", b"2", 3, lasting=False)
    bag.end()
    _taken(bag)
    assert _taken(bag) == [("/words", b"push", 1), ("/image", b"2", 3)]


def test_silence_ends_it():
    bag = _bag(idle=0.01)
    bag.put("/image", b"1", 2, lasting=False)
    assert len(_taken(bag)) == 1


def test_pictures_that_do_not_fit_are_counted_and_words_are_kept():
    bag = _bag(most=10)
    for _ in range(3):
        bag.put("/image", b"12345", 1, lasting=False)
    bag.put("/words", b"lift", 1, lasting=True)
    bag.end()
    assert bag.lost == 1 and len(_taken(bag)) == 3


def test_it_says_when_all_has_been_used():
    bag, taken = _bag(), []
    thread = Thread(target=lambda: taken.extend(bag.messages()))
    bag.put("/image", b"1", 1, lasting=False)
    assert not bag.waiting
    thread.start()
    bag.end()
    thread.join(timeout=10)
    assert len(taken) == 1
