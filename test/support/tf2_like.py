"""A stand-in for tf2_ros: static and timed transforms of one tree of depth one, linear in between, as tf2 answers."""

from types import SimpleNamespace

from geometry_msgs.msg import TransformStamped


class TransformException(Exception):
    pass


class Buffer:
    made: list = []

    def __init__(self):
        self.static, self.timed = {}, {}
        Buffer.made.append(self)

    def set_transform_static(self, transform, authority="test"):
        self.static[transform.header.frame_id, transform.child_frame_id] = transform

    def set_transform(self, transform, authority="test"):
        self.timed.setdefault((transform.header.frame_id, transform.child_frame_id), []).append(transform)

    def lookup_transform(self, parent, child, when):
        key, ns = (parent, child), when.nanoseconds
        if key in self.static:
            return self.static[key]
        timed = self.timed.get(key)
        if not timed:
            raise TransformException(f'"{child}" passed to lookupTransform argument source_frame does not exist')
        if ns == 0:
            return timed[-1]
        stamps = [t.header.stamp.sec * 10**9 + t.header.stamp.nanosec for t in timed]
        if not stamps[0] <= ns <= stamps[-1]:
            raise TransformException(f"Lookup would require extrapolation at time {ns}")
        after = next(i for i, stamp in enumerate(stamps) if stamp >= ns)
        before = max(after - 1, 0)
        part = (ns - stamps[before]) / (stamps[after] - stamps[before]) if after != before else 0.0
        a, b = timed[before].transform, timed[after].transform
        made = TransformStamped()
        made.header.stamp.sec, made.header.stamp.nanosec = ns // 10**9, ns % 10**9
        made.transform.rotation = a.rotation
        for axis in "xyz":
            low, high = getattr(a.translation, axis), getattr(b.translation, axis)
            setattr(made.transform.translation, axis, low + part * (high - low))
        return made

    def can_transform(self, parent, child, when):
        try:
            self.lookup_transform(parent, child, when)
            return True
        except TransformException:
            return False

    def all_frames_as_yaml(self):
        return "".join(f"{child}:\n  parent: '{parent}'\n" for parent, child in {**self.static, **self.timed})


class TransformListener:
    open = 0

    def __init__(self, buffer, node):
        TransformListener.open += 1

    def unregister(self):
        TransformListener.open -= 1


module = SimpleNamespace(Buffer=Buffer, TransformListener=TransformListener, TransformException=TransformException)
