"""What a study can be told: methods by seeds, a retraining of every cell, random cells beside them.

The declaration of a study's file. Settings of its searches and retrainings are those of ``nascope search`` and
``nascope retrain``; each is checked for every method before anything is computed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from engine.config.data_sets import absolute_data, parse_data
from engine.config.fields import SEED_LIMIT
from engine.config.presets import METHODS, PRESETS, method_names
from engine.config.resolve import resolve
from engine.config.retrain import RetrainConfig
from engine.config.search import SearchConfig
from engine.errors import ConfigError, DataError, Fault
from engine.genotype.primitives import suggestion

RANDOM = "random"
"""The row of cells that were drawn uniformly, without any search."""

STUDY_SCHEMA = 1
"""Version of ``study.json``."""

_PROVENANCE = frozenset({"schema", "command", "created", "nascope"})
"""Keys of a study's ``study.json`` that are facts about it; ignored when the file is used again."""

_MOST_SEEDS = 1000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,59}")
_SWITCHES = ("method", "order", "partial_channels", "edge_normalization", "beta_decay")
"""Settings that make a method what it is: said for all methods at once they would make them one."""


class StudyMethod(BaseModel):
    """One row of the study: a method with settings of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="What tables and folders call it; the method's name where it is left out.")
    method: str = Field(description="A method of nascope search.")
    set: dict[str, Any] = Field(default_factory=dict, description="Search settings for this row alone.")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value, "method": value}
        if isinstance(value, Mapping):
            name = value.get("name", value.get("method"))
            return {"name": name, "method": value.get("method", name), **value}
        raise ValueError("must be a method's name or an object with name, method and set.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.method not in METHODS:
            raise ValueError(
                f"«{self.method}» is no method.{suggestion(self.method, METHODS)} (nascope methods lists all.)"
            )
        if self.method not in method_names():
            raise ValueError(
                f"«{self.method}» trains a two-stage supernet and finds no cell to retrain; a study compares cells. "
                f"Use {', '.join(method_names())}."
            )
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"«{self.name}» cannot be the name of a folder. Use letters, digits and _ . + - only.")
        if (self.name == RANDOM) != (self.method == RANDOM):
            raise ValueError(f"«{self.name}»: the row of random cells, and no other, is called {RANDOM}.")
        return self


class StudyConfig(BaseModel):
    """A study as its file says it."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    data: str = Field("digits", description="Data set of every search and retraining.")
    preset: str = Field("auto", description="Preset of every search and retraining; what is said below wins.")
    methods: tuple[StudyMethod, ...] = Field(
        (StudyMethod(name="darts", method="darts"),), min_length=1, validate_default=True,
        description="Methods to compare: names, or objects with name, method and set (search settings of that row).",
    )  # fmt: skip
    seeds: tuple[int, ...] = Field(
        (0, 1, 2, 3), min_length=1, description="Seeds of the searches: a list, or how many, counted from 0."
    )
    search: dict[str, Any] = Field(default_factory=dict, description="Search settings of every method.")
    pick: dict[str, Any] | None = Field(
        None, description="Retraining settings of a short retraining by whose validation accuracy one cell of each method "
        "is picked; without it every cell is retrained fully.",
    )  # fmt: skip
    retrain: dict[str, Any] = Field(default_factory=dict, description="Settings of the full retraining.")
    retrain_seeds: tuple[int, ...] | None = Field(
        None, min_length=1, description="Seeds of the full retrainings of each cell, a list or how many; default: the search's "
        "own seed, and with pick all of seeds.",
    )  # fmt: skip
    random_cells: int | None = Field(
        None, ge=0, le=_MOST_SEEDS, description="Random cells beside the methods; default: as many as seeds."
    )
    test: bool = Field(True, description="Test each full retraining once; false reports validation accuracies.")
    parallel: int | None = Field(
        None, ge=1, le=4096, description="Members at a time; default 1 here, all on a cluster."
    )
    retries: int = Field(1, ge=0, le=100, description="How often a failed member is tried again.")
    slurm: dict[str, Any] = Field(
        default_factory=dict,
        description="What SLURM is asked for, in submitit's words: timeout_min, slurm_partition, ...",
    )

    @field_validator("seeds", "retrain_seeds", mode="before")
    @classmethod
    def _counted(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | list | tuple | None):
            raise ValueError("must be a list of whole numbers, or how many.")
        if isinstance(value, int):
            if not 1 <= value <= _MOST_SEEDS:
                raise ValueError(f"must be 1 to {_MOST_SEEDS} seeds; found {value}.")
            return tuple(range(value))
        for entry in value or ():
            if not isinstance(entry, int) or isinstance(entry, bool) or not 0 <= entry <= SEED_LIMIT:
                raise ValueError(f"must be whole numbers of 0 to {SEED_LIMIT}; found {entry!r}.")
        if value is not None and len(set(value)) < len(value):
            raise ValueError("names a seed twice.")
        if value is not None and len(value) > _MOST_SEEDS:
            raise ValueError(f"must be at most {_MOST_SEEDS} seeds; found {len(value)}.")
        return value

    @field_validator("methods")
    @classmethod
    def _different_names(cls, value: tuple[StudyMethod, ...]) -> tuple[StudyMethod, ...]:
        names = [method.name.lower() for method in value]  # Folders of some systems do not tell cases apart.
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is named twice. Give the rows names of their own.")
        return value

    def method(self, name: str) -> StudyMethod:
        """The row of this name; the random cells have one also where the file does not name it."""
        named = next((row for row in self.methods if row.name == name), None)
        return named or StudyMethod(name=name, method=name)

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of all rows; the random cells stand last unless the file names them elsewhere."""
        names = tuple(method.name for method in self.methods)
        if self.random_cells == 0:
            return tuple(name for name in names if name != RANDOM)
        return names if RANDOM in names else (*names, RANDOM)

    def seeds_of(self, name: str) -> tuple[int, ...]:
        """Seeds of a row's cells. The random cells take those of the searches first, then the smallest others."""
        if name != RANDOM or self.random_cells is None:
            return self.seeds
        more = [seed for seed in range(self.random_cells + len(self.seeds)) if seed not in self.seeds]
        return (*self.seeds, *more)[: self.random_cells]

    def retrain_seeds_of(self, seed: int) -> tuple[int, ...]:
        """Seeds of the full retrainings of the cell that the search of this seed found."""
        if self.retrain_seeds is not None:
            return self.retrain_seeds
        return (seed,) if self.pick is None else self.seeds

    def search_config(self, name: str, seed: int) -> SearchConfig:
        """The configuration of one search (or of the drawing of one random cell)."""
        method = self.method(name)
        values = {**self.search, **method.set, "seed": seed}
        found = resolve("search", method=method.method, data=self.data, preset=self.preset, values=values)
        assert isinstance(found, SearchConfig)
        return found

    def retrain_config(self, seed: int, origin: Mapping[str, Any], *, short: bool = False) -> RetrainConfig:
        """The configuration of one retraining.

        Args:
            origin: ``genotype``, ``search_run`` and ``split_fingerprint``.
            short: whether it is the short one that cells are picked by.
        """
        settings = (self.pick or {}) if short else self.retrain
        values = {**settings, **origin, "seed": seed}
        # One protocol for the cells of every method: else their papers' (drop path 0.3 for PC-DARTS) would be compared.
        found = resolve("retrain", method="darts", data=self.data, preset=self.preset, values=values)
        assert isinstance(found, RetrainConfig)
        return found

    def as_json(self) -> dict[str, Any]:
        """Plain values, which ``check_study`` takes again."""
        return self.model_dump(mode="json")


def check_study(document: Mapping[str, Any], *, where: str | None = None) -> StudyConfig:
    """A study from the document of its file.

    Raises:
        ConfigError: every fault, each with its place (``search.epochs``, ``methods[1].set.order``).
    """
    known = StudyConfig.model_fields
    faults = [
        Fault(name, f"is no key of a study.{suggestion(name, known)}", f"Keys are {', '.join(known)}.")
        for name in document
        if name not in known and name not in _PROVENANCE
    ]
    values = {name: value for name, value in document.items() if name in known}
    try:
        config = StudyConfig.model_validate(values)
    except ValidationError as error:
        entries = error.errors(include_url=False)
        faults += [_fault(entry) for entry in entries]
        wrong = {entry["loc"][0] for entry in entries if entry["loc"]}
        # What is left is checked all the same, so that all faults come at once.
        config = StudyConfig.model_validate({name: value for name, value in values.items() if name not in wrong})
        if "methods" in wrong:
            config = config.model_copy(update={"search": {}})
    faults += _faults_of_settings(config)
    if faults:
        raise ConfigError(faults, where=where)
    return config.model_copy(update={"data": absolute_data(config.data)})


def _faults_of_settings(config: StudyConfig) -> list[Fault]:
    try:
        parse_data(config.data)
    except DataError as error:
        return [Fault("data", error.what, error.mend)]
    if config.preset not in PRESETS:
        mend = f"Use {', '.join(PRESETS)}."
        return [Fault("preset", f"«{config.preset}» is no preset.{suggestion(config.preset, PRESETS)}", mend)]
    if not config.rows:
        return [Fault("random_cells", "0 leaves no method at all.", "Raise it, or name a method.")]
    faults = [*_misplaced("search", config.search, _SWITCHES)]
    for place, method in enumerate(config.methods):
        switches = ("method",) if method.method != RANDOM else _SWITCHES
        faults += _misplaced(f"methods[{place}].set", method.set, switches)
    for part in ("pick", "retrain"):
        faults += _misplaced(part, getattr(config, part) or {}, ("genotype", "search_run", "split_fingerprint"))
    if faults:
        return faults
    return _faults_of_searches(config) + _faults_of_retrainings(config)


def _misplaced(place: str, settings: Mapping[str, Any], more: Sequence[str]) -> list[Fault]:
    """Settings that are the study's own, or a method's."""
    mends = {"seed": "Say seeds.", "data": "Say data beside it, for the whole study.", "kind": "Leave it out.",
             "preset": "Say preset beside it, for the whole study."}  # fmt: skip
    found = [Fault(f"{place}.{name}", "is not said here.", mends[name]) for name in mends if name in settings]
    for name in more:
        if name in settings:
            mend = "Say it in set of a method: {name, method, set}." if place == "search" else "Leave it out."
            found.append(
                Fault(
                    f"{place}.{name}",
                    "makes a method what it is." if name in _SWITCHES else "is found by the study.",
                    mend,
                )
            )
    return found


def _faults_of_searches(config: StudyConfig) -> list[Fault]:
    found: dict[tuple[str, str, str | None], list[str]] = {}
    for name in config.rows:
        method = config.method(name)
        try:
            config.search_config(name, config.seeds[0])
        except ConfigError as error:
            place = config.methods.index(method) if method in config.methods else None
            for fault in error.faults:
                own = place is not None and fault.field in method.set
                where = f"methods[{place}].set.{fault.field}" if own else f"search.{fault.field}"
                found.setdefault((where, fault.what, fault.mend), []).append(name)
    everywhere = len(config.rows)
    return [
        Fault(where, what if len(names) == everywhere or "set." in where else f"for {', '.join(names)}: {what}", mend)
        for (where, what, mend), names in found.items()
    ]


def _faults_of_retrainings(config: StudyConfig) -> list[Fault]:
    faults = []
    for part, short in (("pick", True), ("retrain", False)):
        if short and config.pick is None:
            continue
        try:
            made = config.retrain_config(0, {"genotype": {}}, short=short)
        except ConfigError as error:
            faults += [Fault(f"{part}.{fault.field}", fault.what, fault.mend) for fault in error.faults]
            continue
        if made.validation_portion == 0 and short:
            mend = 'Set "validation_portion": 0.1 in pick.'
            faults.append(Fault("pick.validation_portion", "0 holds no images out to pick by.", mend))
        elif made.validation_portion == 0 and not config.test:
            mend = 'Set "validation_portion": 0.1 in retrain, or "test": true.'
            faults.append(Fault("retrain.validation_portion", "0 leaves nothing to compare by without a test.", mend))
    return faults


def _fault(entry: Any) -> Fault:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in entry["loc"]).lstrip(".")
    context = entry.get("ctx", {})
    if entry["type"] == "value_error":
        return Fault(place, str(context["error"]))
    if entry["type"] == "extra_forbidden":
        return Fault(place, f"is no key here.{suggestion(str(entry['loc'][-1]), StudyMethod.model_fields)}")
    text = "an object" if isinstance(entry["input"], dict) else repr(entry["input"])[:100]
    return Fault(place or "study", f"{entry['msg'][0].lower()}{entry['msg'][1:]}; found {text}.")
