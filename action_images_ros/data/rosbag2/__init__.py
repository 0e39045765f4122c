"""rosbag2 recordings without a ROS installation: read, joined over time, copied and written.

    with Bag(path) as bag, BagWriter(target) as out:
        out.copy(bag)                                             # every message as it is
        for frame in FrameStream(bag, BagSetup(), dt=0.2):        # synchronised pictures, poses, openness
            out.write("/labels", some_cdr_bytes, frame.stamp_ns)

`bag.Bag` reads, `writer.BagWriter` writes, `setup.BagSetup` says what is where, `frames.FrameStream` joins by header
stamps, `survey.survey` measures rates, gaps and drift, `episodes` makes training episodes of bags and bags of episodes.
"""
