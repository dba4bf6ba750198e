"""Training of one sub-network: where it begins, how it steps, what a resume needs; and testing one of a supernet."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.cli import main
from engine.config import resolve
from engine.data import load_data
from engine.errors import DataError, RunError
from engine.retrain.testing import run_test
from engine.retrain.trainer import RetrainTrainer
from engine.runs import RunFolder
from engine.runs.folder import CHECKPOINT_LAST
from engine.runs.origin import subnet_defaults, subnet_origin
from engine.subnets import named_subnets, space_named
from engine.subnets.architecture import biggest, smallest
from engine.training.checkpoint import load_checkpoint
from engine.training.evaluate import evaluate
from engine.two_stage.saved import open_saved

CPU = torch.device("cpu")

_spec = importlib.util.spec_from_file_location("two_stage_run", Path(__file__).with_name("two_stage_run.py"))
two_stage_run = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(two_stage_run)
TINY = two_stage_run.TINY


@pytest.fixture(scope="module")
def supernet_run(tmp_path_factory):
    return two_stage_run.trained(tmp_path_factory.mktemp("two-stage") / "run")


def fine_tuning(run, architecture=None, **values):
    said = {
        **subnet_defaults(run),
        **subnet_origin(architecture or biggest(TINY), run.path),
        "memory_format": "contiguous",
        **values,
    }
    return resolve("subnet", values=said)


def begun(settings, **changes):
    """A trainer, as ``prepare`` begins it; ``changes`` are of its data."""
    torch.manual_seed(0)
    trainer = RetrainTrainer(settings, dataclasses.replace(load_data(settings, CPU), **changes), CPU)
    trainer.begin()
    return trainer


def said_by(trainer):
    return {(fields["level"], fields["text"]) for kind, fields in trainer.initial_report().reports if kind == "message"}


# -- where it begins --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [smallest, biggest])
def test_fine_tuning_begins_at_the_supernets_accuracy(supernet_run, which):
    saved = open_saved(supernet_run, "cpu")
    expected = saved.meter.measure(saved.supernet, dataclasses.replace(which(TINY), space=saved.space))

    trainer = begun(fine_tuning(supernet_run, which(TINY)))
    found = evaluate(trainer._network, trainer._validation_stream.epoch_batches(), CPU)

    assert found.images == expected.images > 0
    assert found.accuracy_percent == expected.accuracy_percent
    assert found.loss == pytest.approx(expected.loss, rel=1e-5)
    fresh = RetrainTrainer(fine_tuning(supernet_run, supernet_run=None), load_data(trainer._config, CPU), CPU)
    assert evaluate(fresh._network, trainer._validation_stream.epoch_batches(), CPU).loss != pytest.approx(
        found.loss, rel=1e-3
    )


def test_its_images_are_those_that_the_supernet_chose_by(supernet_run):
    assert [text for level, text in said_by(begun(fine_tuning(supernet_run))) if level == "warning"] == []

    (warning,) = [text for level, text in said_by(begun(fine_tuning(supernet_run, seed=4))) if level == "warning"]
    assert "too good" in warning


def test_other_classes_give_a_classifier_of_their_own(supernet_run):
    names = tuple(f"digit {number}" for number in range(10))
    own, other = begun(fine_tuning(supernet_run)), begun(fine_tuning(supernet_run), class_names=names)
    weights = [trainer.state_dict()["weights"] for trainer in (own, other)]

    changed = {name for name in weights[0] if not torch.equal(weights[0][name], weights[1][name])}

    assert changed == {"classifier.weight", "classifier.bias"}
    assert any("classifier begins anew" in text for _, text in said_by(other))


def test_changed_images_are_told_of(supernet_run):
    trainer = begun(fine_tuning(supernet_run, supernet_run=None, split_fingerprint="0" * 32))
    assert any(level == "warning" and "have changed" in text for level, text in said_by(trainer))


def test_a_supernet_that_is_gone_or_not_trained_is_named(supernet_run, tmp_path):
    settings = fine_tuning(supernet_run)
    gone = settings.model_copy(update={"supernet_run": str(tmp_path / "gone")})
    with pytest.raises(RunError, match="not there any more"):
        begun(gone)
    RunFolder.create(tmp_path / "new", two_stage_run.config())
    with pytest.raises(RunError, match="checkpoint"):
        begun(settings.model_copy(update={"supernet_run": str(tmp_path / "new")}))


def test_a_record_takes_the_number_of_classes_of_the_data():
    """The published networks have 1,000; the digits are 10, of grey images."""
    architecture = named_subnets()["AttentiveNAS-A0"].architecture
    settings = resolve(
        "subnet", data="digits", values={"architecture": architecture.as_json(), "image_size": 32, "limit_images": 40}
    )

    trainer = RetrainTrainer(settings, load_data(settings, CPU), CPU)

    assert trainer.state_dict()["weights"]["classifier.weight"].shape == (10, 1792)
    # 8,954,184 with 1,000 classes, counted on the original code.
    assert trainer.facts()["parameters"] == 8_954_184 - 990 * 1793
    with pytest.raises(DataError, match="1 or 3"):
        RetrainTrainer(settings, dataclasses.replace(load_data(settings, CPU), channels=2), CPU)


# -- how it steps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decays_all", [False, True])
def test_steps_are_nesterovs_and_norms_and_biases_do_not_decay(supernet_run, decays_all):
    """Two steps, against the update rule written out; the gradients come from a copy of the network."""
    settings = fine_tuning(
        supernet_run, learning_rate=0.05, momentum=0.8, weight_decay=0.3, decay_norms_and_biases=decays_all, gradient_clip=0.5, label_smoothing=0.0
    )  # fmt: skip
    trainer = begun(settings)
    network = trainer._network
    decaying = {
        id(module.weight) for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)
    }  # Not biases, not batch norms.
    buffers = [torch.zeros_like(weight) for weight in network.parameters()]
    for step in range(2):
        before = [weight.detach().clone() for weight in network.parameters()]
        network.train()
        images, labels = trainer._stream.batch(step)
        loss = nn.functional.cross_entropy(network(images)[0], labels)
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        norm = torch.sqrt(sum(gradient.square().sum() for gradient in gradients))
        scale = min(1.0, 0.5 / float(norm))

        trainer.step(step)

        for weight, old, gradient, buffer in zip(network.parameters(), before, gradients, buffers, strict=True):
            decay = 0.3 if decays_all or id(weight) in decaying else 0.0
            wanted = gradient * scale + decay * old
            buffer.mul_(0.8).add_(wanted)
            torch.testing.assert_close(weight.detach(), old - 0.05 * (wanted + 0.8 * buffer), rtol=1e-4, atol=1e-5)


def test_the_order_of_memory_changes_no_number(supernet_run):
    found = []
    for order in ("contiguous", "channels-last"):
        trainer = begun(fine_tuning(supernet_run, memory_format=order))
        for step in range(3):
            trainer.step(step)
        found.append(trainer.state_dict()["weights"])
    for name in found[0]:
        torch.testing.assert_close(found[0][name], found[1][name], rtol=1e-3, atol=1e-4, msg=name)


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_resume_does_without_the_supernet(supernet_run, tmp_path, capsys):
    """Bit for bit as without the stop; a fresh start names what is missing and leaves no folder."""
    supernet = tmp_path / "supernet"
    shutil.copytree(supernet_run.path, supernet)
    fine_tune = ["retrain", str(supernet), "--subnet", "biggest", "--set", "threads=1", "--device", "cpu", "--json"]
    for name in ("whole", "cut"):
        assert main([*fine_tune, "--epochs", "2", "--out", str(tmp_path / name)]) == 0
    cut = RunFolder(tmp_path / "cut")
    shutil.copy(cut.path / CHECKPOINT_LAST, tmp_path / "end.pt")
    _back_to_the_beginning(cut, supernet)
    supernet.rename(tmp_path / "elsewhere")
    capsys.readouterr()

    assert main(["resume", str(cut.path), "--json"]) == 0

    ends = [
        load_checkpoint(path)["trainer"]["weights"]
        for path in (tmp_path / "whole" / CHECKPOINT_LAST, cut.path / CHECKPOINT_LAST)
    ]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    again = RunFolder.create(tmp_path / "again", RunFolder(tmp_path / "whole").config())
    capsys.readouterr()
    assert main(["resume", str(again.path)]) == 2
    assert "not there any more" in capsys.readouterr().err


def _back_to_the_beginning(folder, supernet):
    """As if it had been killed right after its first checkpoint, of step 0."""
    settings = folder.config()
    torch.manual_seed(settings.seed)
    trainer = RetrainTrainer(settings, load_data(settings, CPU), CPU, folder.decided())
    trainer.begin()
    content = load_checkpoint(folder.path / CHECKPOINT_LAST)
    content |= {"trainer": trainer.state_dict(), "step": 0, "epochs_ended": 0, "best_score": None, "metrics": {}}
    torch.manual_seed(settings.seed)
    torch.save(content, folder.path / CHECKPOINT_LAST)
    (folder.path / "checkpoint-best.pt").unlink(missing_ok=True)
    status = json.loads((folder.path / "status.json").read_text())
    (folder.path / "status.json").write_text(json.dumps(status | {"state": "interrupted", "epoch": 0, "step": 0}))


def test_a_sub_network_is_tested_calibrated_and_counted(supernet_run, tmp_path):
    run = RunFolder(tmp_path / "run")
    shutil.copytree(supernet_run.path, run.path)
    saved = open_saved(run, "cpu")
    network = saved.network(dataclasses.replace(biggest(TINY), space=saved.space))
    images = load_data(saved.config, CPU, splits=("test",), normalization=saved.data.normalization).splits["test"]
    from engine.data import open_stream

    plain = evaluate(network, open_stream(images, saved.config, "test", shuffle=False).epoch_batches(), CPU)

    first, second = (run_test(run, device="cpu", subnet=biggest(TINY)) for _ in range(2))

    assert first["accuracy_percent"] == second["accuracy_percent"] == plain.accuracy_percent
    assert (first["tests_so_far"], second["tests_so_far"]) == (1, 2)
    assert first["architecture"] == biggest(TINY).as_json()
    assert first["parameters"] == sum(weight.numel() for weight in network.parameters())
    row = run.results()[-1]
    assert (row["subnet"], row["macs"], row["what"]) == (first["architecture"], first["macs"], "test")
    with pytest.raises(RunError, match="--subnet"):
        run_test(run, device="cpu")


def test_the_training_of_a_sub_network_is_tested_as_any_other(supernet_run, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["retrain", str(supernet_run.path), "--subnet", "smallest", "--epochs", "1", "--set", "threads=1", "--device", "cpu",
                 "--out", str(out), "--json"]) == 0  # fmt: skip
    capsys.readouterr()

    assert main(["test", str(out), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["tests_so_far"], found["images"], found["epoch"]) == (1, 359, 1)
    with pytest.raises(RunError, match="two-stage"):
        run_test(RunFolder(out), device="cpu", subnet=smallest(space_named("laptop")))
