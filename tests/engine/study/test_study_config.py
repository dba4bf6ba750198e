"""The study's file: what it means, and every fault at once with its place."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.study import StudyConfig, check_study
from engine.errors import ConfigError, NascopeError

TINY = {"epochs": 1, "channels": 4, "layers": 3}


def faults(**document):
    with pytest.raises(ConfigError) as caught:
        check_study(document)
    return {fault.field: str(fault) for fault in caught.value.faults}


def test_the_short_form_of_methods_and_seeds():
    config = check_study({"methods": ["darts", {"method": "pc-darts"}], "seeds": 3})
    assert [(method.name, method.method) for method in config.methods] == [("darts", "darts"), ("pc-darts", "pc-darts")]
    assert config.seeds == (0, 1, 2)
    assert config.rows == ("darts", "pc-darts", "random")


def test_random_cells_stand_beside_the_methods_unless_told_otherwise():
    assert check_study({"methods": ["random", "darts"]}).rows == ("random", "darts")
    assert check_study({"methods": ["darts"], "random_cells": 0}).rows == ("darts",)
    more = check_study({"methods": ["darts"], "seeds": [1, 5], "random_cells": 4})
    assert more.seeds_of("random") == (1, 5, 0, 2)
    assert more.seeds_of("darts") == (1, 5)
    assert check_study({"methods": ["darts"], "seeds": [1, 5], "random_cells": 1}).seeds_of("random") == (1,)


def test_seeds_of_the_retrainings():
    assert check_study({"seeds": [4, 7]}).retrain_seeds_of(7) == (7,)
    assert check_study({"seeds": [4, 7], "retrain_seeds": 2}).retrain_seeds_of(7) == (0, 1)
    assert check_study({"seeds": [4, 7], "pick": {"epochs": 1}}).retrain_seeds_of(7) == (4, 7)


def test_a_member_gets_the_settings_of_its_part_and_its_seed():
    wide = {"name": "wide", "method": "pc-darts", "set": {"channels": 8}}
    config = check_study(
        {"methods": ["darts", wide], "search": {**TINY}, "pick": {"epochs": 2}, "retrain": {"epochs": 3}}
    )
    assert config.search_config("wide", 5).channels == 8
    assert config.search_config("wide", 5).edge_normalization is True
    assert config.search_config("wide", 5).seed == 5
    assert config.search_config("darts", 5).channels == 4
    assert config.search_config("random", 5).order == 0
    assert config.retrain_config(1, {"genotype": {}}, short=True).epochs == 2
    assert config.retrain_config(1, {"genotype": {}}).epochs == 3


def test_every_fault_at_once_with_its_place():
    found = faults(
        dat="digits", methods=["darts", "pc-dart", {"name": "x y", "method": "darts"}], seeds=[0, 0], test="maybe",
        retrain={"epochs": "x"}, retries=-1,
    )  # fmt: skip
    assert set(found) == {"dat", "methods[1]", "methods[2]", "seeds", "test", "retrain.epochs", "retries"}
    assert "Did you mean data?" in found["dat"]
    assert "Did you mean pc-darts?" in found["methods[1]"]


def test_settings_are_checked_for_every_method():
    found = faults(
        methods=["darts", "pc-darts", {"name": "b", "method": "darts", "set": {"epoch": 3}}], search={"channels": 6}
    )
    assert "for pc-darts: channels=6 is no multiple" in found["search.channels"]
    assert "Did you mean epochs?" in found["methods[2].set.epoch"]


@pytest.mark.parametrize(
    ("document", "place", "says"),
    [
        ({"search": {"seed": 3}}, "search.seed", "Say seeds"),
        ({"search": {"order": 2}}, "search.order", "what it is"),
        ({"methods": [{"name": "random", "method": "random", "set": {"order": 1}}]}, "methods[0].set.order", "what it is"),
        ({"retrain": {"data": "digits"}}, "retrain.data", "whole study"),
        ({"retrain": {"genotype": {}}}, "retrain.genotype", "found by the study"),
        ({"pick": {"validation_portion": 0}}, "pick.validation_portion", "to pick by"),
        ({"test": False, "retrain": {"validation_portion": 0}}, "retrain.validation_portion", "without a test"),
        ({"data": "nowhere"}, "data", "nowhere"),
        ({"preset": "papr"}, "preset", "Did you mean paper?"),
        ({"seeds": 0}, "seeds", "1 to 1000"),
        ({"seeds": True}, "seeds", "how many"),
        ({"seeds": [-1]}, "seeds", "-1"),
        ({"seeds": []}, "seeds", "1 item"),
        ({"methods": []}, "methods", "1 item"),
        ({"methods": ["darts", "darts"]}, "methods", "twice"),
        ({"methods": ["darts", {"name": "DARTS", "method": "darts"}]}, "methods", "twice"),
        ({"methods": [{"name": "../up", "method": "darts"}]}, "methods[0]", "folder"),
        ({"methods": [{"name": "random", "method": "darts"}]}, "methods[0]", "random"),
        ({"methods": [{"name": "darts", "method": "darts", "sets": {}}]}, "methods[0].sets", "Did you mean set?"),
        ({"methods": [3]}, "methods[0]", "must be"),
        ({"methods": ["random"], "random_cells": 0}, "random_cells", "no method"),
        ({"search": 3}, "search", "dictionary"),
    ],
)  # fmt: skip
def test_a_fault_names_its_place_and_mend(document, place, says):
    found = faults(**document)
    assert place in found
    assert says in found[place]


def test_what_is_written_is_read_again(tmp_path):
    config = check_study(
        {"methods": ["darts", {"name": "b", "method": "darts", "set": {"epochs": 3}}], "seeds": 2, "pick": {}}
    )
    again = check_study(json.loads(json.dumps({"schema": 1, **config.as_json()})))
    assert again == config


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(list(StudyConfig.model_fields)) | st.text(max_size=8), values, max_size=4))
def test_any_document_is_a_study_or_a_refusal(document):
    try:
        config = check_study(document)
    except NascopeError:
        return  # Said in words; anything else would be a fault of ours.
    assert check_study(config.as_json()) == config
