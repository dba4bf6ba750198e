"""Records of sub-networks are told from configurations and cells."""

from __future__ import annotations

import json

import pytest
from PySide6.QtWidgets import QLineEdit

from app.forms.run_form import RunForm
from app.opening import recognize
from engine.errors import NascopeError
from engine.subnets import named_subnets

RECORD = named_subnets()["AttentiveNAS-A3"].architecture.as_json()


def written(folder, document):
    path = folder / "file.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (RECORD, "subnet"),
        ({"architecture": RECORD, "macs": 356_518_400, "accuracy_percent": 79.1}, "subnet"),
        ({"kind": "subnet", "architecture": RECORD, "epochs": 3}, "config"),
        ({"method": "pc-darts", "space": "darts"}, "config"),
        ({"kind": "two-stage", "space": "laptop"}, "config"),
    ],
)
def test_a_file_is_what_it_holds(tmp_path, document, kind):
    found = recognize(str(written(tmp_path, document)))

    assert found.kind == kind
    assert (found.architecture is not None) == (kind == "subnet")


def test_a_published_name_is_a_sub_network():
    assert recognize("AttentiveNAS-A3").architecture == named_subnets()["AttentiveNAS-A3"].architecture


def test_a_wrong_record_is_refused_with_its_place(tmp_path):
    path = written(tmp_path, {**RECORD, "width": [17, *RECORD["width"][1:]]})

    with pytest.raises(NascopeError, match=r"file\.json.*width\[0\].*17"):
        recognize(str(path))


def test_an_opened_record_can_be_trained(qtbot, open_window, tmp_path):
    window = open_window()
    path = written(tmp_path, RECORD)

    window.work.open_text(str(path))

    form = window.findChild(RunForm, "run_form")
    assert form.windowTitle() == "Train a sub-network"
    assert form.findChild(QLineEdit, "command_line").text() == f"nascope retrain {path} --data digits"
    form.reject()
