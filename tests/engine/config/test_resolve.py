"""From what a person said to one checked configuration: who wins, and how faults are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import (
    RetrainConfig,
    SearchConfig,
    check,
    describe,
    parse_assignments,
    parse_data,
    read_config_file,
    resolve,
)
from engine.errors import ConfigError, DataError
from engine.genotype.named import named

CELL = named("DARTS_V2").as_json()


def search(**values: Any) -> SearchConfig:
    config = resolve("search", values=values)
    assert isinstance(config, SearchConfig)
    return config


def faults(**values: Any) -> dict[str, str]:
    """Field and sentence of every fault of a search with these values."""
    with pytest.raises(ConfigError) as caught:
        search(**values)
    return {fault.field: fault.what for fault in caught.value.faults}


def test_what_was_said_wins_over_the_file_over_the_protocol_over_the_method() -> None:
    config = resolve("search", method="pc-darts", file_values={"epochs": 30, "batch_size": 32}, values={"epochs": "7"})

    assert isinstance(config, SearchConfig)
    assert config.epochs == 7  # said
    assert config.batch_size == 32  # the file's
    assert config.learning_rate == 0.1  # the protocol's, small for the digits
    assert config.partial_channels == 4  # the method's


def test_a_switch_may_be_said_against_the_method() -> None:
    config = search(method="beta-darts", order="2", edge_normalization="true", partial_channels="2")

    assert (config.order, config.edge_normalization, config.partial_channels, config.beta_decay) == (2, True, 2, 5.0)


def test_the_second_order_can_be_said_as_text_or_number() -> None:
    assert search(order="2").order == search(order=2).order == resolve("search", method="darts-v2").order == 2  # type: ignore[attr-defined]
    assert "one of 0, 1, 2" in faults(order="3")["order"]


def test_every_fault_is_told_at_once_in_words() -> None:
    found = faults(
        epochs="0", batch_size="-1", learning_rate="fast", batchsize=64, edge_normalization="maybe", space="dart"
    )

    assert set(found) == {"epochs", "batch_size", "learning_rate", "batchsize", "edge_normalization", "space"}
    assert found["epochs"] == "must be a whole number, at least 1, at most 100000; found '0'."
    assert found["learning_rate"] == "must be a number, above 0, at most 100; found 'fast'."
    assert found["batchsize"] == "is no setting of a search. Did you mean batch_size?"
    assert found["edge_normalization"] == "must be true or false; found 'maybe'."
    assert "Did you mean darts?" in found["space"]


def test_a_single_fault_names_file_and_field() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve("search", file_values={"epochs": 0}, where="mine.json")

    assert str(caught.value).startswith("mine.json, epochs: must be")
    assert caught.value.as_dict()["where"] == "mine.json, epochs"


def test_several_faults_name_the_file_and_every_field() -> None:
    with pytest.raises(ConfigError, match=r"^mine\.json: .*epochs.*channels"):
        resolve("search", file_values={"epochs": 0, "channels": 0}, where="mine.json")


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"channels": 10, "partial_channels": 4}, "channels", "Set channels to 8"),
        ({"channels": 3, "partial_channels": 4}, "channels", "Set channels to 4"),
        ({"warmup_epochs": 20, "epochs": 20}, "warmup_epochs", "Set warmup_epochs to 19"),
        ({"learning_rate": 0.01, "learning_rate_min": 0.1}, "learning_rate_min", "Lower it"),
        ({"space": "none,skip_connect"}, "space", "fewer than two"),
        ({"device": "gpu"}, "device", "cuda:N"),
        ({"seed": 2**31}, "seed", "at most"),
        ({"momentum": 1}, "momentum", "below 1; found 1"),
        ({"gradient_clip": "inf"}, "gradient_clip", "a number"),  # JSON has no word for it.
        ({"learning_rate": "nan"}, "learning_rate", "a number"),
        ({"epochs": ""}, "epochs", "whole number"),
        ({"epochs": float("inf")}, "epochs", "whole number"),
        ({"epochs": 5.5}, "epochs", "whole number"),
        ({"data": 5}, "data", "found 5"),
        ({"precision": "float16"}, "precision", "float32, bfloat16"),
        ({"kind": "retrain"}, "kind", "search"),
        ({"epochs": "9" * 10_000}, "epochs", "…"),
    ],
)
def test_what_does_not_fit_is_refused(values: dict[str, Any], field: str, says: str) -> None:
    assert says in faults(**values)[field]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: resolve("search", method="beta-dart"), "Did you mean beta-darts"),
        (lambda: resolve("search", preset="papr"), "Did you mean paper"),
        (lambda: resolve("search", method="PC-Darts"), "Did you mean pc-darts"),
        (lambda: resolve("search", data="cifar11"), "Did you mean cifar10"),
        (lambda: resolve("retrain"), "genotype: is missing"),
        (lambda: resolve("retrain", values={"genotype": 5}), "genotype"),
    ],
)
def test_a_wrong_name_gets_a_suggestion(call: Any, says: str) -> None:
    with pytest.raises((ConfigError, DataError), match=says):
        call()


def test_other_epochs_keep_the_share_of_warm_up_unless_it_was_said() -> None:
    def warmup(**values: Any) -> int:
        return resolve("search", method="pc-darts", data="cifar10", values=values).warmup_epochs  # type: ignore[attr-defined]

    assert warmup() == 15
    assert warmup(epochs=10) == 3
    assert warmup(epochs="1") == 0
    assert warmup(epochs=10, warmup_epochs=9) == 9
    with pytest.raises(ConfigError, match="warmup_epochs"):
        warmup(epochs=10, warmup_epochs=10)


def test_empty_text_is_none_where_that_is_allowed() -> None:
    assert search(limit_images="", threads="null").limit_images is None


def test_a_config_json_can_be_reused_and_checked(tmp_path: Path) -> None:
    config = resolve("search", method="pc-darts", values={"epochs": 3})
    document = {
        "schema": 1,
        **config.model_dump(mode="json"),
        "versions": {},
        "command": "x",
        "world_size": 1,
        "decided": {},
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    assert resolve("search", file_values=read_config_file(path)) == config
    assert check("search", read_config_file(path)) == config


def test_a_retraining_carries_its_genotype_through_json() -> None:
    config = resolve("retrain", data="cifar10", values={"genotype": CELL})

    assert isinstance(config, RetrainConfig)
    assert check("retrain", json.loads(json.dumps(config.model_dump(mode="json")))) == config


@pytest.mark.parametrize(
    ("content", "says"),
    [('{"kind": "search",', "JSON: is not valid"), ("[]", "expected an object"), ('{"schema": 2}', "schema: 2 is newer"),
     ('{"schema": "new"}', "schema"), ("[" * 100_000, "not valid"), (b"\xff\xfe", "not valid"), (b" " * (4 * 2**20 + 1), "too large")],
)  # fmt: skip
def test_a_broken_file_is_named(content: str | bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(ConfigError, match=says) as caught:
        read_config_file(path)
    assert "broken.json" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.json, file: cannot be read"):
        read_config_file(tmp_path / "nothing.json")


def test_assignments_split_at_the_first_equals_sign() -> None:
    assert parse_assignments([" epochs = 5 ", "data=image-folder:a=b"]) == {"epochs": "5", "data": "image-folder:a=b"}
    for wrong in ("epochs", "=5", ""):
        with pytest.raises(ConfigError, match="key=value"):
            parse_assignments([wrong])


def test_data_references_know_their_place() -> None:
    assert parse_data("digits").path is None
    assert parse_data("image-folder:C:\\pets\\").title == "pets"
    assert parse_data("npz:/a/b.npz").path == "/a/b.npz"
    for wrong in ("image-folder", "npz:", "digits:x", "cifar10:"):
        with pytest.raises(DataError, match="place"):
            parse_data(wrong)


@pytest.mark.parametrize("kind", ["search", "retrain"])
def test_every_setting_is_described_for_forms(kind: str) -> None:
    for field in describe(kind):
        assert field.help.endswith("."), field.name
        assert field.group != "Other", field.name
        if field.type == "choice":
            assert field.default in field.choices


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from([field.name for field in describe("search") if field.name != "data"]) | st.text(max_size=8),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=8)
        | st.lists(st.integers(), max_size=2),
        max_size=5,
    )
)
def test_any_values_give_a_configuration_that_json_can_hold_or_a_config_error(values: dict[str, Any]) -> None:
    try:
        config = resolve("search", file_values=values)
    except ConfigError:
        return
    assert check("search", json.loads(json.dumps(config.model_dump(mode="json"), allow_nan=False))) == config


def test_a_place_is_the_same_from_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert resolve("search", data="image-folder:pets").data == f"image-folder:{tmp_path / 'pets'}"
    assert resolve("search", data="npz:~/a.npz").data == f"npz:{Path.home() / 'a.npz'}"
    assert resolve("search", data="digits").data == "digits"
