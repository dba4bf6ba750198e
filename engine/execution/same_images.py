"""Whether the images of a run are still those that its weights have seen."""

from __future__ import annotations

from engine.errors import DataError
from engine.runs import RunFolder


def refuse_other_images(folder: RunFolder, fingerprint: str | None) -> None:
    """Refuse to go on with a run whose images were changed between two sittings.

    Args:
        fingerprint: of the splits as they are now; None where the run reads none.

    Raises:
        DataError: they differ from what the run was begun with.
    """
    before = folder.decided().get("split_fingerprint")
    if before is not None and fingerprint is not None and before != fingerprint:
        raise DataError(
            "the images are not those that the run was begun with: some were added, removed or changed since.",
            where=folder.config().data,
            mend="Put them back as they were, or start a new run.",
        )
