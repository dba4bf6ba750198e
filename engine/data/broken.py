"""What a stream does about image files that cannot be decoded: it ends, or others take their places and it tells."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from torch import Tensor

from engine.data.chunks import Squares
from engine.data.file_set import FileSet
from engine.data.folder_layout import shown
from engine.data.randomness import Positions
from engine.distributed.ranks import Ranks
from engine.errors import DataError

_NAMED = 10


class BrokenImages:
    """The broken files that a stream has met.

    Args:
        name: of the stream, for sentences.
        replaces: whether another image takes the place of a broken one; else it is left out.
    """

    def __init__(self, file_set: FileSet, name: str, *, replaces: bool) -> None:
        self._set = file_set
        self._name = name
        self.replaces = replaces
        self._labels = file_set.labels.cpu().numpy()
        self._met: dict[int, str] = {}
        self._told: set[int] = set()  # by any rank

    def meet(self, position: int, reason: str) -> None:
        """Take note of a file of the set.

        Raises:
            DataError: ``broken_images`` is ``stop``.
        """
        if self._set.broken_images == "stop":
            raise DataError(
                f"cannot be decoded ({reason}).",
                where=shown(str(self._set.path(position))),
                mend="Go on with broken_images=skip (another image of its class then takes its place), or repair it and start anew.",
            )
        self._met.setdefault(position, reason)

    def another(self, position: int, read: Callable[[Positions], Squares]) -> Tensor:
        """The next image of the class that can be decoded: the same one whatever was met before.

        Args:
            read: decodes files of the set.

        Raises:
            DataError: none of the class can.
        """
        members = np.flatnonzero(self._labels == self._labels[position])
        place = int(np.searchsorted(members, position))
        for candidate in np.roll(members, -place)[1:].tolist():
            if candidate in self._met:
                continue
            images, faults = read(np.array([candidate]))
            if not faults:
                return images[0]
            self._met[candidate] = faults[0][1]
        name = self._set.class_names[int(self._labels[position])]
        raise DataError(
            f"no image of class «{name}» can be decoded; {self._place(position)}: {self._met[position]}.",
            where=shown(str(self._set.root)),
            mend="Put whole images in, and start anew.",
        )

    def news(self, ranks: Ranks) -> list[str]:
        """Sentences about the files met since the last time, the first ten by name; asked on all ranks at once.

        A file that several ranks meet, or each in another epoch, is named once.
        """
        if self._set.broken_images == "stop":
            return []
        named = len(self._told)
        mine = [(position, reason) for position, reason in self._met.items() if position not in self._told]
        new = dict(found for of_rank in reversed(ranks.all_say(mine)) for found in of_rank)
        self._met |= new
        self._told |= new.keys()
        done = "another image of its class takes its place" if self.replaces else "it is left out"
        sentences = [
            f"{self._place(position)} cannot be decoded ({reason}): {done}." for position, reason in sorted(new.items())
        ]
        room = max(0, _NAMED - named)
        more = len(sentences) - room
        if more <= 0:
            return sentences
        count = "1 more image" if more == 1 else f"{more:,} more images"
        return [*sentences[:room], f"{count} of «{self._name}» cannot be decoded."]

    def _place(self, position: int) -> str:
        return shown(os.fsdecode(self._set.names[position]))
