"""The handwritten digits that ship with scikit-learn."""

from __future__ import annotations

import numpy as np

from engine.data.raw import RawData, RawSplit
from engine.data.splits import content_keys


def read_digits() -> RawData:
    """1,797 grey images of 8 by 8; brightness 0..16 is scaled to 0..255. They have no test split of their own."""
    # Slow to import and needed for this set alone.
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = np.asarray(bunch.target, dtype=np.int64)
    train = RawSplit(images, labels, content_keys(images))
    return RawData(tuple(str(name) for name in bunch.target_names), train)
