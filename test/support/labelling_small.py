"""A labeller without weights: it draws the motion it is told, so that what is labelled is known exactly."""

import numpy as np

from action_images_ros.codec.encode import encode, to_uint8
from action_images_ros.geometry.pose import matrix_from_pose7
from action_images_ros.policy.card import ModelCard
from action_images_ros.world_model.clips import canvas_of

SIZE = (48, 64)


class TruthModel:
    """`label` finds each clip among the episode's pictures (by its first picture) and draws what the arm did there.

    Keeps the clips it was given in `seen`; `views`: as many cameras as it says it was trained with.
    """

    def __init__(self, episode, frames=5, views=None, shift=0.0):
        recipe = {"views": {str(views): 1.0}} if views else {}
        self.card = ModelCard(name="truth", image_size=SIZE, frames=frames, dt=episode.dt, recipe=recipe)
        self.episode, self.seen, self.shift = episode, [], shift

    def label(self, clips, *, steps=1, seed=0):
        canvas_of(clips, "label", self.card.frames)
        self.seen.append(clips)
        drawn = []
        for i in range(len(clips)):
            view, start = self._where(clips.images[i, 0, 0])
            part = slice(start, start + self.card.frames)
            poses = self.episode.poses[part].copy()
            poses[:, 0] += self.shift
            drawn.append(
                to_uint8(
                    encode(
                        matrix_from_pose7(poses),
                        self.episode.openness[part],
                        clips.K[i],
                        clips.world_from_camera[i],  # of every frame, where a camera moves
                        SIZE,
                    ).images
                )
            )
        return np.array(drawn)

    def _where(self, picture):
        distance = np.abs(self.episode.images.astype(int) - picture.astype(int)).mean(axis=(2, 3, 4))
        return np.unravel_index(np.argmin(distance), distance.shape)
