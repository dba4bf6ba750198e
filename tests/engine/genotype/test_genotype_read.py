"""Whatever a person calls a genotype: names, files, one of several in a file, run folders."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.errors import GenotypeError
from engine.genotype.named import named
from engine.genotype.read import MAX_FILE_BYTES, read_genotype, read_genotype_text
from engine.genotype.text import as_text

V1, V2 = named("DARTS_V1"), named("DARTS_V2")


def write(path: Path, text: str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_name_is_a_named_cell() -> None:
    assert read_genotype("PC_DARTS_cifar") == named("PC_DARTS_cifar")


@pytest.mark.parametrize("spec", ["DARTS_V3", "darts_v2", "DARTSV2"])
def test_a_wrong_name_gets_a_suggestion(spec: str) -> None:
    with pytest.raises(GenotypeError, match="Did you mean DARTS_V2"):
        read_genotype(spec)


@pytest.mark.parametrize("spec", ["", "  ", "x" * 5000, "\0", "nothing.json", "no/such/folder", "no.py:NAME"])
def test_what_is_nowhere_is_refused(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GenotypeError) as caught:
        read_genotype(spec)
    assert caught.value.mend
    assert len(str(caught.value)) < 600


def test_json_and_text_files_are_told_apart_by_content(tmp_path: Path) -> None:
    as_json = write(tmp_path / "cell.txt", "\n " + json.dumps(V2.as_json()))
    text = write(tmp_path / "cell.json", "best = " + as_text(V1))

    assert read_genotype(as_json) == V2
    assert read_genotype(text).same_cells(V1)
    assert read_genotype(text).name == "best"


def test_what_search_json_prints_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "answer.json", json.dumps({"run": "x", "state": "finished", "genotype": V2.as_json()}))

    assert read_genotype(path) == V2


def test_a_nameless_cell_is_called_after_its_file(tmp_path: Path) -> None:
    assert read_genotype(write(tmp_path / "night-run.log", f"10:01 genotype = {as_text(V1)}")).name == "night-run"


def test_one_of_several_is_picked_by_name_alias_or_number(tmp_path: Path) -> None:
    path = write(tmp_path / "genotypes.py", f"EARLY = {as_text(V1)}\nLATE = {as_text(V2)}\nBEST = LATE\nOURS = BEST\n")

    assert read_genotype(f"{path}:LATE").same_cells(V2)
    assert read_genotype(f"{path}:OURS").same_cells(V2)
    assert read_genotype(f"{path}:1").same_cells(V1)
    with pytest.raises(GenotypeError, match=r"genotypes\.py: 2 genotypes are in it: EARLY, LATE"):
        read_genotype(path)
    with pytest.raises(GenotypeError, match="Did you mean LATE"):
        read_genotype(f"{path}:LATER")


def test_aliases_in_a_circle_end(tmp_path: Path) -> None:
    path = write(tmp_path / "genotypes.py", f"A = {as_text(V1)}\nX = Y\nY = X\n")

    with pytest.raises(GenotypeError, match="there is no «X»"):
        read_genotype(f"{path}:X")


def test_the_newest_of_a_log_is_meant_and_it_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "log.txt", f"epoch 0 genotype = {as_text(V1)}\nepoch 1 genotype = {as_text(V2)}\n")

    found = read_genotype(path)

    assert found.same_cells(V2)
    assert "last of 2" in found.source["note"]


def test_a_colon_in_the_path_belongs_to_the_path(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("Windows allows the drive's colon only")
    path = write(tmp_path / "C:" / "cells: mine.py", f"A = {as_text(V1)}\nB = {as_text(V2)}\n")

    assert read_genotype(f"{path}:A").same_cells(V1)
    assert read_genotype(write(tmp_path / "C:" / "one.py", f"A = {as_text(V1)}")).same_cells(V1)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_windows_encodings_are_read(encoding: str, tmp_path: Path) -> None:
    assert read_genotype(write(tmp_path / "cell.txt", as_text(V2).encode(encoding))).same_cells(V2)


@pytest.mark.parametrize(
    ("content", "says"),
    [("{}", "no «normal»"), ("{", "not valid JSON"), ("[]", "no complete"), ("{" * 100_000, "not valid JSON"), (b"\x89PNG\r\n\0\xff", "no complete"),
     ('{"genotype": {"normal": 5, "reduction": 5}}', "normal")],
)  # fmt: skip
def test_a_broken_file_is_named(content: str | bytes, says: str, tmp_path: Path) -> None:
    path = write(tmp_path / "broken.json", content)
    with pytest.raises(GenotypeError, match=says) as caught:
        read_genotype(path)
    assert caught.value.where == path


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    with pytest.raises(GenotypeError, match="bound of 16 MiB"):
        read_genotype(str(path))


def test_a_run_folder_gives_its_cell(tmp_path: Path) -> None:
    write(tmp_path / "run-7" / "config.json", json.dumps({"kind": "search"}))
    write(tmp_path / "run-7" / "genotype.json", json.dumps(V1.named("").as_json()))

    found = read_genotype(str(tmp_path / "run-7"))

    assert found.same_cells(V1)
    assert found.name == "run-7"


def test_a_retraining_gives_the_cell_of_its_configuration(tmp_path: Path) -> None:
    write(tmp_path / "config.json", json.dumps({"kind": "retrain", "genotype": V2.as_json()}))

    assert read_genotype(str(tmp_path)) == V2


@pytest.mark.parametrize(
    ("config", "says"),
    [(None, "holds no run"), ('{"kind": "search"}', "no cell yet"), ("{", "not valid JSON"), ("5", "no cell yet"), ('{"genotype": {}}', "no «normal»")],
)  # fmt: skip
def test_a_folder_without_a_cell_says_why(config: str | None, says: str, tmp_path: Path) -> None:
    if config is not None:
        write(tmp_path / "config.json", config)
    with pytest.raises(GenotypeError, match=says) as caught:
        read_genotype(str(tmp_path))
    assert str(tmp_path) in str(caught.value.where)


def test_pasted_text_is_read_and_names_its_place() -> None:
    assert read_genotype_text(as_text(V2), title="pasted").name == "pasted"
    with pytest.raises(GenotypeError, match=r"^the clipboard: "):
        read_genotype_text("nothing here", where="the clipboard")
