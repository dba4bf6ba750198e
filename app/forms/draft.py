"""A run that a person is putting together: what was said, what follows from it, what is wrong. No widgets."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from engine.config import (
    FIRST_STAGES,
    METHODS,
    FieldDescription,
    RunConfig,
    defaults,
    describe,
    method_names,
    resolve,
    retraining_method,
)
from engine.errors import ConfigError, DataError, Fault
from engine.genotype import Genotype
from engine.genotype.primitives import is_registered
from engine.runs import RunFolder
from engine.runs.folder import CONFIG
from engine.runs.origin import retrain_origin, subnet_defaults, subnet_origin
from engine.subnets import Architecture
from engine.subnets.named import name_of

CHOICES = ("method", "data", "preset")
"""What decides the defaults of everything else."""

_OF_ITS_KIND = frozenset({"space"})
"""Settings that have one name in several kinds of run and mean another thing in each."""


class RunDraft:
    """What a person said so far, over the defaults of method, data and preset.

    Args:
        kind: of run; for ``search`` and ``two-stage`` the method decides, and a change of the method changes it.
        genotype: the cells that a retraining builds.
        genotype_spec: what the command line would call them (a name, a file, a run folder).
        origin: folder of the run that they come from, if any.
        architecture: the sub-network that a ``subnet`` run trains.
        architecture_spec: what the command line would call it (a published name, a file, a key of the run's rows).
        supernet_run: folder of the two-stage run whose weights it begins with; None begins anew.
        space_definition: of a two-stage training, a space that does not ship.

    Raises:
        ConfigError: the configuration of ``origin`` was damaged.
    """

    def __init__(
        self, kind: str, *, data: str = "digits", method: str = "", preset: str = "auto", genotype: Genotype | None = None,
        genotype_spec: str = "", origin: Path | None = None, architecture: Architecture | None = None, architecture_spec: str = "",
        supernet_run: Path | None = None, space_definition: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.method = method or (method_names(kind)[0] if kind in FIRST_STAGES else "darts")
        self.kind = METHODS[self.method].kind if kind in FIRST_STAGES and self.method in METHODS else kind
        self.data = data
        self.preset = preset
        self.name = ""
        self.said: dict[str, Any] = {}
        self._put_aside: dict[str, dict[str, Any]] = {}
        self.genotype = genotype
        self.genotype_spec = genotype_spec or (genotype.name if genotype is not None else "")
        self._origin = retrain_origin(genotype, origin) if genotype is not None and kind == "retrain" else {}
        self.architecture = architecture
        self.architecture_spec = architecture_spec or _spec_of(architecture, supernet_run)
        self.supernet_run = supernet_run
        if architecture is not None and kind == "subnet":
            self._origin = subnet_origin(architecture, supernet_run)
        self._space_definition = space_definition
        if space_definition is not None:
            self.said["space"] = str(space_definition.get("name", ""))
        self._last_defaults: dict[str, Any] = {}
        self.config: RunConfig | None = None
        self.faults: tuple[Fault, ...] = ()
        self.settle()

    def say(self, name: str, value: Any) -> None:
        """Set one setting, or go back to the default where the value is that."""
        if name in CHOICES:
            setattr(self, name, value)
            if name == "method" and self.kind in FIRST_STAGES and value in METHODS:
                self._turn_to(METHODS[value].kind)
        elif value == self._last_defaults.get(name) and type(value) is type(self._last_defaults.get(name)):
            self.said.pop(name, None)
        else:
            self.said[name] = value
        self.settle()

    def unsay(self, name: str) -> None:
        """Go back to the default."""
        self.said.pop(name, None)
        self.settle()

    def default(self, name: str) -> Any:
        """What the presets give for a setting."""
        return self._last_defaults.get(name)

    def value(self, name: str) -> Any:
        """What counts: what was said, else what follows (a warm-up scales with the epochs), else the default."""
        if name in self.said:
            return self.said[name]
        if self.config is not None:
            return getattr(self.config, name)
        return self._last_defaults.get(name)

    def fault(self, name: str) -> str:
        """What is wrong with a setting, with its mend; empty where nothing is."""
        return " ".join(f"{fault.what} {fault.mend or ''}".strip() for fault in self.faults if fault.field == name)

    def _turn_to(self, kind: str) -> None:
        """Become another kind of run: what was said stays where that kind has the setting, the rest waits for the way back."""
        if kind == self.kind:
            return
        before, after = _settings(self.kind), _settings(kind)
        stays = {
            name: value for name, value in self.said.items()
            if name in after and name not in _OF_ITS_KIND and (after[name].type, after[name].choices) == (before[name].type, before[name].choices)
        }  # fmt: skip
        self._put_aside[self.kind] = {name: value for name, value in self.said.items() if name not in stays}
        self.said = {**self._put_aside.pop(kind, {}), **stays}
        self.kind = kind

    def settle(self) -> None:
        """Find out again what follows from what was said."""
        self.config = None
        faults: list[Fault] = []
        try:
            beneath = self._beneath()
            self._last_defaults = defaults(self.kind, method=self._method, data=self.data, preset=self.preset) | beneath
            self.config = resolve(
                self.kind,
                method=self._method,
                data=self.data,
                preset=self.preset,
                file_values=beneath,
                values={**self.said, **self._origin, **self._own_space()},
            )
        except ConfigError as error:
            faults += error.faults
        except DataError as error:
            faults.append(Fault("data", error.what, error.mend))
        faults += self._path_faults() + self._genotype_faults()
        self.faults = tuple(faults)

    @property
    def is_ready(self) -> bool:
        """Whether a run can be made of it."""
        return self.config is not None and not self.faults

    @property
    def slug(self) -> str:
        """End of the run folder's name."""
        data = self.data.partition(":")[0]
        if self.kind in FIRST_STAGES:
            return f"{self.method}-{data}"
        if self.kind == "subnet" and self.architecture is not None:
            word = "retrain" if self.supernet_run is None else "fine-tune"
            return f"{word}-{name_of(self.architecture)}-{data}"
        cell = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.genotype.name if self.genotype else "").strip("-.")[:40] or "cell"
        return f"retrain-{cell}-{data}"

    def command_line(self) -> str:
        """The command that starts the same run from a shell."""
        words = ["nascope", "search" if self.kind in FIRST_STAGES else "retrain"]
        if self.kind in FIRST_STAGES:
            words += ["--method", self.method]
        elif self.kind == "subnet" and self.supernet_run is not None:
            words += [str(self.supernet_run), "--subnet", self.architecture_spec]
        elif self.kind == "subnet":
            words.append(self.architecture_spec or "RECORD")
        else:
            words.append(self.genotype_spec or "GENOTYPE")
        words += ["--data", self.data]
        if self.preset != "auto":
            words += ["--preset", self.preset]
        if self.name:
            words += ["--name", self.name]
        for name, value in self.said.items():
            words += ["--set", f"{name}={_plain(value)}"]
        return shlex.join(words)

    @property
    def _method(self) -> str | None:
        return self.method if self.kind in FIRST_STAGES else retraining_method(self._origin.get("genotype"))

    def _beneath(self) -> dict[str, Any]:
        """Values above the preset's: fine-tuning is gentle, on the images that its supernet's splits leave."""
        if self.kind != "subnet" or self.supernet_run is None or not self._has_supernet:
            return {}
        return subnet_defaults(RunFolder(self.supernet_run), data=self.data, preset=self.preset)

    @property
    def _has_supernet(self) -> bool:
        return self.supernet_run is not None and (self.supernet_run / CONFIG).is_file()

    def _own_space(self) -> dict[str, Any]:
        """The space that does not ship, for as long as it is the one that was chosen."""
        definition = self._space_definition
        if self.kind != "two-stage" or definition is None or self.said.get("space") != definition.get("name"):
            return {}
        return {"space_definition": definition}

    def _path_faults(self) -> list[Fault]:
        """A place that is not there is known before a run folder is made."""
        if self.supernet_run is not None and not self._has_supernet:
            mend = "Bring its folder back, or train the network from scratch."
            return [Fault("supernet_run", f"{self.supernet_run} is gone.", mend)]
        name, colon, place = self.data.partition(":")
        if not colon or not place:
            return []
        path = Path(place).expanduser()
        if name == "npz" and not path.is_file():
            return [Fault("data", "There is no such file.", "Choose a .npz file.")]
        if name == "image-folder" and not path.is_dir():
            return [Fault("data", "There is no such folder.", "Choose a folder with one folder a class.")]
        return []

    def _genotype_faults(self) -> list[Fault]:
        if self.kind != "retrain" or self.genotype is None:
            return []
        unknown = [name for name in self.genotype.used_primitives() if not is_registered(name)]
        if not unknown:
            return []
        return [
            Fault(
                "genotype",
                f"no network can be built with {', '.join(unknown)}: not registered.",
                "Register it by the entry point nascope.primitives.",
            )
        ]


def _spec_of(architecture: Architecture | None, run: Path | None) -> str:
    """What the command line may call a sub-network: a run knows its rows by their keys."""
    if architecture is None:
        return ""
    name = name_of(architecture)
    return "RECORD.json" if run is None and name == architecture.key else name


def _settings(kind: str) -> dict[str, FieldDescription]:
    return {field.name: field for field in describe(kind)}


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
