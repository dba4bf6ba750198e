"""A run that a person is putting together: what was said, what follows from it, what is wrong. No widgets."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from engine.config import RunConfig, defaults, resolve, retraining_method
from engine.errors import ConfigError, DataError, Fault
from engine.genotype import Genotype
from engine.genotype.primitives import is_registered
from engine.runs.origin import retrain_origin

CHOICES = ("method", "data", "preset")
"""What decides the defaults of everything else."""


class RunDraft:
    """What a person said so far, over the defaults of method, data and preset.

    Args:
        kind: ``search`` or ``retrain``.
        genotype: the cells that a retraining builds.
        genotype_spec: what the command line would call them (a name, a file, a run folder).
        origin: folder of the run that they come from, if any.

    Raises:
        ConfigError: the configuration of ``origin`` was damaged.
    """

    def __init__(
        self, kind: str, *, data: str = "digits", method: str = "darts", preset: str = "auto", genotype: Genotype | None = None,
        genotype_spec: str = "", origin: Path | None = None,
    ) -> None:  # fmt: skip
        self.kind = kind
        self.method = method
        self.data = data
        self.preset = preset
        self.name = ""
        self.said: dict[str, Any] = {}
        self.genotype = genotype
        self.genotype_spec = genotype_spec or (genotype.name if genotype is not None else "")
        self._origin = retrain_origin(genotype, origin) if genotype is not None and kind == "retrain" else {}
        self._last_defaults: dict[str, Any] = {}
        self.config: RunConfig | None = None
        self.faults: tuple[Fault, ...] = ()
        self.settle()

    def say(self, name: str, value: Any) -> None:
        """Set one setting, or go back to the default where the value is that."""
        if name in CHOICES:
            setattr(self, name, value)
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

    def settle(self) -> None:
        """Find out again what follows from what was said."""
        self.config = None
        faults: list[Fault] = []
        try:
            self._last_defaults = defaults(self.kind, method=self._method, data=self.data, preset=self.preset)
            self.config = resolve(
                self.kind,
                method=self._method,
                data=self.data,
                preset=self.preset,
                values={**self.said, **self._origin},
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
        if self.kind == "search":
            return f"{self.method}-{data}"
        cell = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.genotype.name if self.genotype else "").strip("-.")[:40] or "cell"
        return f"retrain-{cell}-{data}"

    def command_line(self) -> str:
        """The command that starts the same run from a shell."""
        words = ["nascope", self.kind]
        if self.kind == "search":
            words += ["--method", self.method]
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
        return self.method if self.kind == "search" else retraining_method(self._origin.get("genotype"))

    def _path_faults(self) -> list[Fault]:
        """A place that is not there is known before a run folder is made."""
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


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
