"""Whatever a person calls a genotype, read: a name, a file, ``FILE:NAME``, a run folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import GenotypeError
from engine.genotype.genotype import Genotype, genotype_from_json
from engine.genotype.named import genotype_names, is_named, named
from engine.genotype.primitives import suggestion
from engine.genotype.text import MAX_TEXT_CHARACTERS, aliases, parse_text

MAX_FILE_BYTES = MAX_TEXT_CHARACTERS

_RUN_CONFIG, _RUN_GENOTYPE = "config.json", "genotype.json"
_NO_OWN_NAME = frozenset({"", "genotype", "Genotype", "genotypes"})
"""What everybody's log calls every cell: the file's name tells more."""


def read_genotype(spec: str) -> Genotype:
    """The genotype that a text on the command line or in the window means.

    Args:
        spec: a name (``DARTS_V2``; a file of that name is ``./DARTS_V2``), a file (genotype JSON, or any text with the
            papers' ``Genotype(...)`` in it), ``FILE:NAME`` for one of several, or a run folder.

    Returns:
        The genotype. One without a name of its own is called after its file or run.

    Raises:
        GenotypeError: nothing of the kind is there, or it cannot be read; ``where`` names the file.
    """
    if is_named(spec):
        return named(spec)
    if not spec.strip():
        raise GenotypeError("no genotype was given.", where="genotype", mend="Give a name, a file or a run folder.")
    path = Path(spec)
    if _exists(path):
        return _from_path(path, None)
    file, colon, name = spec.rpartition(":")
    if colon and name and _exists(Path(file)):
        return _from_path(Path(file), name)
    missing = file if colon and len(file) > 1 else spec
    if any(mark in missing for mark in ("/", "\\")) or Path(missing).suffix:
        raise GenotypeError(
            "there is no such file or run folder.",
            where=missing[:300],
            mend="Check the path, or give a named genotype.",
        )
    raise GenotypeError(
        f"«{spec[:100]}» is no named genotype, no file and no run folder.{suggestion(spec, genotype_names())}",
        where="genotype",
        mend="(nascope genotypes lists the names.)",
    )


def read_genotype_text(text: str, *, name: str | None = None, where: str = "the text", title: str = "") -> Genotype:
    """The genotype in a text that was pasted or read from a file: JSON, or the papers' ``Genotype(...)``.

    Args:
        name: picks one of several definitions; a number picks by place, from 1.
        where: names the text in messages.
        title: what to call a genotype that has no name of its own.

    Raises:
        GenotypeError: no genotype, several without ``name``, or one that is not valid.
    """
    try:
        found = _from_json_text(text, name) if text.lstrip().startswith("{") else _from_python_text(text, name, where)
    except GenotypeError as error:
        raise GenotypeError(error.what, where=error.where or where, mend=error.mend) from None
    return found.named(title) if found.name in _NO_OWN_NAME and title else found


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # Too long for a path, or with a null character: no file then.
        return False


def _from_path(path: Path, name: str | None) -> Genotype:
    where = str(path)
    if path.is_dir():
        if name is not None:
            raise GenotypeError("a run folder has one genotype.", where=where, mend=f"Leave «:{name}» out.")
        return _from_run(path)
    return read_genotype_text(_text_of(path), name=name, where=where, title=path.stem)


def _from_run(folder: Path) -> Genotype:
    if not (folder / _RUN_CONFIG).is_file():
        raise GenotypeError(
            "the folder holds no run (no config.json).", where=str(folder), mend="Give a run folder or a file."
        )
    title = folder.resolve().name
    if (folder / _RUN_GENOTYPE).is_file():
        path = folder / _RUN_GENOTYPE
        return read_genotype_text(_text_of(path), where=str(path), title=title)
    path = folder / _RUN_CONFIG
    try:
        document = json.loads(_text_of(path))
    except (ValueError, RecursionError):
        raise GenotypeError("is not valid JSON.", where=str(path), mend="The run's file is damaged.") from None
    if not isinstance(document, dict) or document.get("genotype") is None:
        raise GenotypeError(
            "the run has no cell yet.", where=str(folder), mend="A search writes its first cell after its first epoch."
        )
    try:
        found = genotype_from_json(document["genotype"])
    except GenotypeError as error:
        raise GenotypeError(error.what, where=str(path), mend=error.mend) from None
    return found if found.name else found.named(title)


def _text_of(path: Path) -> str:
    """The file's text; what is no text comes through with replacement characters and then holds no genotype."""
    where = str(path)
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise GenotypeError(
                f"the file has {size / 2**20:.1f} MiB, more than the bound of {MAX_FILE_BYTES // 2**20} MiB.",
                where=where,
                mend="Cut out the genotype and give that.",
            )
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise GenotypeError(f"cannot be read ({error.strerror}).", where=where, mend="Check the path.") from None
    # PowerShell's ``>`` writes UTF-16 with a byte order mark, Windows editors UTF-8 with one.
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")


def _from_json_text(text: str, name: str | None) -> Genotype:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GenotypeError(f"is not valid JSON ({str(error)[:100]}).", mend="Mend the file.") from None
    if isinstance(document, dict) and "normal" not in document and isinstance(document.get("genotype"), dict):
        document = document["genotype"]  # What `nascope search --json` prints.
    found = genotype_from_json(document)
    if name is not None and name != found.name:
        raise GenotypeError(f"the file holds «{found.name}», not «{name}».", mend=f"Leave «:{name}» out.")
    return found


def _from_python_text(text: str, name: str | None, where: str) -> Genotype:
    definitions = parse_text(text)
    # As in Python, a later definition of a name replaces the earlier one: of a log the newest cell is meant.
    by_name: dict[str, Genotype] = {}
    for place, (own_name, genotype) in enumerate(definitions, 1):
        by_name[own_name or str(place)] = genotype
    if name is None:
        distinct = list(by_name.values())
        if all(genotype.same_cells(distinct[0]) for genotype in distinct[1:]):
            return _counted(distinct[-1], definitions)
        listed = ", ".join(list(by_name)[:20]) + (", …" if len(by_name) > 20 else "")
        raise GenotypeError(
            f"{len(by_name)} genotypes are in it: {listed}.",
            mend=f"Pick one, for example {where}:{next(reversed(by_name))}.",
        )
    second_names, wanted = aliases(text), name
    while wanted not in by_name and wanted in second_names:
        wanted = second_names.pop(wanted)
    if wanted in by_name:
        return _counted(by_name[wanted], definitions).named(name if not name.isdigit() else by_name[wanted].name)
    if name.isdigit() and 1 <= int(name) <= len(definitions):
        return definitions[int(name) - 1][1]
    raise GenotypeError(
        f"there is no «{name}» in it.{suggestion(name, by_name)}", mend=f"It has {', '.join(list(by_name)[:20])}."
    )


def _counted(genotype: Genotype, definitions: list[tuple[str, Genotype]]) -> Genotype:
    """Says in ``source`` when a name was defined several times, so that taking the last is no secret."""
    times = sum(name == genotype.name for name, _ in definitions)
    if times < 2:
        return genotype
    return replace(
        genotype, source={**genotype.source, "note": f"the last of {times} that the text has under this name"}
    )
