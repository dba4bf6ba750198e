"""From a name or a file to a sub-network, and which files are taken for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import NascopeError
from engine.genotype.named import named
from engine.subnets import SpaceFileError, SubnetError, named_subnets, space_named
from engine.subnets.architecture import smallest
from engine.subnets.read import is_subnet, read_space, read_subnet

LAPTOP = smallest(space_named("laptop"))


def written(folder: Path, document: Any) -> str:
    path = folder / "record.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(path)


def test_names_records_and_rows_are_read(tmp_path: Path) -> None:
    assert read_subnet("AttentiveNAS-A4") == named_subnets()["AttentiveNAS-A4"].architecture
    assert read_subnet(written(tmp_path, LAPTOP.as_json())) == LAPTOP
    assert read_subnet(written(tmp_path, {"architecture": LAPTOP.as_json(), "macs": 198_160})) == LAPTOP


def test_what_is_a_subnet_and_what_is_left_to_others(tmp_path: Path) -> None:
    assert is_subnet("AttentiveNAS-A0")
    assert is_subnet(written(tmp_path, LAPTOP.as_json()))
    assert is_subnet(written(tmp_path, {"space": "laptop", "depth": "?"}))  # Its fault is told by whoever reads it.
    # A search's configuration has a space as well.
    for other in (named("DARTS_V2").as_json(), [1], "{", "3", {"name": "x"}, {"space": "laptop", "method": "darts"}):
        assert not is_subnet(written(tmp_path, other))
    for name in ("DARTS_V2", str(tmp_path), "x" * 5000, "no\0thing", "", "~"):
        assert not is_subnet(name)


@pytest.mark.parametrize(
    "content", ["", "{", "[" * 100_000, "\x00", '{"space": "laptop", "resolution": 1e400}', "[]", "null", "NaN", '"x"']
)
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    path = written(tmp_path, content)

    with pytest.raises(SubnetError) as caught:
        read_subnet(path)

    assert str(caught.value.where).startswith(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(b"\xff\xfe{}")

    with pytest.raises(SubnetError, match="not valid JSON"):
        read_subnet(str(path))


def test_a_fault_inside_a_file_has_both_places(tmp_path: Path) -> None:
    path = written(tmp_path, {**LAPTOP.as_json(), "width": [9, 8, 16, 24, 96]})

    with pytest.raises(SubnetError) as caught:
        read_subnet(path)

    assert caught.value.where == f"{path}, width[0] (stem)"


def test_a_faulty_space_inside_a_record_is_a_fault_of_the_space(tmp_path: Path) -> None:
    path = written(tmp_path, {**LAPTOP.as_json(), "space": {**space_named("laptop").as_json(), "classes": 1}})

    with pytest.raises(SpaceFileError) as caught:
        read_subnet(path)

    assert caught.value.where == f"{path}, space.classes"


def test_a_missing_file_lists_the_names() -> None:
    with pytest.raises(SubnetError, match="AttentiveNAS-A0"):
        read_subnet("nowhere.json")


def test_a_record_of_another_space_than_the_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SubnetError, match="laptop"):
        read_subnet(written(tmp_path, LAPTOP.as_json()), space=space_named("bignas"))
    with pytest.raises(SubnetError, match="bignas"):
        read_subnet("AttentiveNAS-A0", space=space_named("bignas"))


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, " " * (4 * 2**20 + 1))

    with pytest.raises(NascopeError, match="too large"):
        read_subnet(path)


def test_spaces_in_files(tmp_path: Path) -> None:
    assert read_space(Path(written(tmp_path, space_named("bignas").as_json()))) == space_named("bignas")
    path = written(tmp_path, {**space_named("bignas").as_json(), "stages": 3})

    with pytest.raises(SpaceFileError) as caught:
        read_space(Path(path))

    assert caught.value.where == f"{path}, stages"
