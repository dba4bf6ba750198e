"""Named lists of primitives that an edge of the supernet may choose from."""

from __future__ import annotations

from engine.genotype.primitives import DARTS_PRIMITIVES, is_registered, registered_names, suggestion

SPACES: dict[str, tuple[str, ...]] = {
    "darts": DARTS_PRIMITIVES,
    "no-none": tuple(name for name in DARTS_PRIMITIVES if name != "none"),
}


class SpaceError(ValueError):
    """A space that names no primitives, or unknown ones."""


def space_primitives(space: str) -> tuple[str, ...]:
    """The primitives of a named space, or of a list of names separated by commas, in this order.

    Raises:
        SpaceError: an unknown name, a repeated one, or fewer than two candidates.
    """
    if space in SPACES:
        return SPACES[space]
    names = tuple(name.strip() for name in space.split(",") if name.strip())
    for name in names:
        if not is_registered(name):
            hint = suggestion(name, [*SPACES, *registered_names()])
            raise SpaceError(f"«{name}» is neither a space ({', '.join(SPACES)}) nor a registered primitive.{hint}")
    if len(set(names)) < len(names):
        raise SpaceError(f"«{space}» names a primitive twice. Name each once.")
    if len([name for name in names if name != "none"]) < 2:
        raise SpaceError(f"«{space}» leaves fewer than two operations to choose from. Name at least two besides none.")
    return names
