"""Which image of a data set is in which split of a run: test, validation, train, and the limits on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.config import RunConfig
from engine.data.index_file import Subset
from engine.data.randomness import Positions, stream_key
from engine.data.raw import FileSplit, RawData, RawSplit
from engine.data.splits import TEST_PORTION, TEST_SALT, choose
from engine.errors import DataError


@dataclass(frozen=True)
class Places:
    """Which rows of ``RawData.train`` are which split, ascending.

    Attributes:
        validation, test: None where there is none, or it comes from files of its own.
        seen: all rows outside the test split, before any limit.
    """

    train: Positions
    validation: Positions | None
    test: Positions | None
    seen: Positions


def split_places(raw: RawData, config: RunConfig, subset: Subset | None = None) -> Places:
    """Divide ``raw.train`` into what is still missing of test, validation and train.

    Args:
        subset: the training images that an index file lists; limits then say nothing, and a listed image is in no other
            split.

    Raises:
        DataError: a class has too few images for that, ``limit_images`` is too small for the classes, or an image of the
            test split is listed for training.
    """
    labels, keys, classes = raw.train.labels, raw.train.keys, len(raw.class_names)
    own_test, own_validation = raw.read_test is not None, raw.validation is not None
    cuts_validation = config.validation_portion > 0 and not own_validation
    # A search halves the training split, so each class needs two.
    least = 2 if config.kind == "search" else 1
    _check_class_sizes(raw, config, least + cuts_validation + (not own_test), cuts_validation=cuts_validation)

    rows = np.arange(len(labels))
    test: Positions | None = None
    if not own_test:
        spare = least + cuts_validation
        chosen = choose(labels, keys, round(TEST_PORTION * len(labels)), classes=classes, salt=TEST_SALT, spare=spare)
        test, rows = rows[chosen], rows[~chosen]
    seen = rows
    validation: Positions | None = None
    if cuts_validation:
        salt = stream_key("validation split", config.seed)
        total = round(config.validation_portion * len(rows))
        chosen = choose(labels[rows], keys[rows], total, classes=classes, salt=salt, spare=least)
        validation, rows = rows[chosen], rows[~chosen]
    if subset is not None:
        _refuse_listed_test(config, subset, test)
        kept = None if validation is None else np.setdiff1d(validation, subset.rows)
        if kept is not None and not len(kept):
            raise DataError(
                "lists every training image, and a validation split is to be held out.",
                where=config.index_file, mend="Set validation_portion to 0.",
            )  # fmt: skip
        return Places(subset.rows, kept, test, seen)
    wanted = len(rows) if config.limit_portion is None else round(config.limit_portion * len(rows))
    if config.limit_images is not None:
        wanted = min(wanted, config.limit_images)
    if wanted < len(rows):
        share = wanted / len(rows)
        rows = _limited(rows, raw.train, config, wanted, classes, least)
        if validation is not None:
            validation = _limited(validation, raw.train, config, round(share * len(validation)), classes, 1)
    return Places(rows, validation, test, seen)


def _refuse_listed_test(config: RunConfig, subset: Subset, test: Positions | None) -> None:
    count = 0 if test is None else len(np.intersect1d(test, subset.rows))
    if count:
        raise DataError(
            f"lists {count} images of the test split for training.",
            where=config.index_file, mend="Remove it, then it is made anew; or set index_file to another.",
        )  # fmt: skip


def validation_source(raw: RawData, places: Places, config: RunConfig) -> tuple[RawSplit | FileSplit, Positions] | None:
    """Where the validation images are: the split and its rows; None where none are held out."""
    if raw.validation is None:
        return None if places.validation is None else (raw.train, places.validation)
    rows = np.arange(len(raw.validation))
    if len(places.train) < len(places.seen):
        total = round(len(rows) * len(places.train) / len(places.seen))
        rows = _limited(rows, raw.validation, config, total, len(raw.class_names), 1)
    return raw.validation, rows


def _limited(
    rows: Positions, split: RawSplit | FileSplit, config: RunConfig, total: int, classes: int, least: int
) -> Positions:
    """About ``total`` of these rows, stratified, at least ``least`` of each class."""
    salt = stream_key("limit", config.seed)
    chosen = choose(split.labels[rows], split.keys[rows], total, classes=classes, salt=salt, minimum=least, spare=0)
    return rows[chosen]


def check_classes(raw: RawData, where: str) -> None:
    """Refuse a set of a single class.

    Raises:
        DataError: it is one.
    """
    if len(raw.class_names) < 2:
        raise DataError(
            f"holds {len(raw.class_names)} class; telling images apart takes two or more.",
            where=where,
            mend="Give images of at least two classes.",
        )


def _check_class_sizes(raw: RawData, config: RunConfig, needed: int, *, cuts_validation: bool) -> None:
    sizes = np.bincount(raw.train.labels, minlength=len(raw.class_names))
    small = [f"{raw.class_names[place]} ({sizes[place]})" for place in np.flatnonzero(sizes < needed)]
    if small:
        parts = ["test"] * (raw.read_test is None) + ["validation"] * cuts_validation
        parts += ["weights", "alphas"] if config.kind == "search" else ["train"]
        raise DataError(
            f"{_some(small)}: too few images, {needed} a class are needed, one for each of {', '.join(parts)}.",
            where=config.data,
            mend="Add images" + (", or set validation_portion to 0." if cuts_validation else "."),
        )
    least = 2 if config.kind == "search" else 1
    if config.limit_images is not None and config.limit_images < least * len(sizes):
        raise DataError(
            f"{len(sizes)} classes need at least {least} training images each.",
            where=f"limit_images={config.limit_images}",
            mend=f"Set limit_images to {least * len(sizes)} or more.",
        )


def _some(names: list[str], limit: int = 10) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
