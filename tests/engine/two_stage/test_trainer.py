"""The trainer: what it says, what it refuses, and that it trains."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest
import torch

from engine.cost.subnets import subnet_cost
from engine.data import load_data
from engine.errors import ConfigError
from engine.subnets.architecture import architecture_from_json, biggest, smallest
from engine.training.evaluate import Evaluation
from engine.two_stage.measuring import SubnetMeter
from engine.two_stage.progress import ProgressMeter
from engine.two_stage.trainer import TwoStageTrainer
from engine.two_stage.watch import LossWatch

_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)
CPU = torch.device("cpu")


def made(config, data=None):
    torch.manual_seed(config.seed)
    return TwoStageTrainer(config, data or load_data(config, CPU), CPU)


def epoch_of(trainer, epoch=0):
    for step in range(epoch * trainer.steps_per_epoch, (epoch + 1) * trainer.steps_per_epoch):
        trainer.step(step)
    return trainer.end_epoch(epoch, lambda: None)


def of_kind(reports, kind):
    return [fields for found, fields in reports if found == kind]


def test_facts_tell_the_supernet_and_its_ends():
    trainer = made(tiny.config())
    facts = trainer.facts()
    for role, pick in (("smallest", smallest), ("biggest", biggest)):
        cost = subnet_cost(pick(trainer.space))
        assert facts[role] == {"macs": cost.macs, "parameters": cost.parameters}
    assert facts["parameters"] == sum(weight.numel() for weight in trainer.supernet.parameters()) >= cost.parameters
    assert (facts["space"], facts["space_size"], facts["networks_per_step"]) == ("tiny", 1024, 4)
    assert trainer.steps_per_epoch == facts["splits"]["train"] // 32 >= 2
    assert facts["split_fingerprint"]


def test_a_rest_of_images_is_no_step():
    """AttentiveNAS: 625 steps of 2048, the rest of 1,281,167 images is left out. Here 96 images."""
    trainer = made(tiny.config(batch_size=30))
    images = trainer.facts()["splits"]["train"]
    assert images % 30 > 2
    assert trainer.steps_per_epoch == images // 30
    assert [trainer.step(step) for step in range(2 * trainer.steps_per_epoch)] == [30] * 2 * trainer.steps_per_epoch


def test_an_epoch_is_as_good_as_its_ends_together():
    """Of networks whose accuracies are told: the checkpoint that counts is good at both ends."""
    config = tiny.config(validation_networks=1)
    space = config.the_space()
    told = {smallest(space): 20, biggest(space): 80}

    class Meter:
        def measure(self, supernet, architecture, stop_check):
            found = Evaluation(CPU)
            labels = torch.arange(100) % 2
            logits = torch.nn.functional.one_hot(labels, 2).float()
            logits[told.get(architecture, 50) :] *= -1
            found.add(logits, labels, torch.tensor(1.0))
            return found

    found = ProgressMeter(Meter(), config, space).measure(None, lambda: None)

    assert found.score == 50
    assert found.metrics["validation_accuracy_percent"] == 80
    assert found.metrics["smallest_validation_accuracy_percent"] == 20


def test_an_epoch_ends_with_what_the_networks_are_worth():
    config = tiny.config(validation_networks=3)
    data = load_data(config, CPU)
    trainer = made(config, data)
    report = epoch_of(trainer)
    subnets = of_kind(report.reports, "subnet")
    assert [fields["role"] for fields in subnets] == ["smallest", "biggest", "sampled", "sampled", "sampled"]
    meter = SubnetMeter(data, config, CPU)
    for fields in subnets:
        architecture = architecture_from_json(fields["architecture"])
        assert (fields["macs"], fields["parameters"]) == (
            subnet_cost(architecture).macs,
            subnet_cost(architecture).parameters,
        )
        found = meter.measure(trainer.supernet, architecture)
        assert (fields["accuracy_percent"], fields["loss"]) == (found.accuracy_percent, found.loss)
    metrics = report.metrics
    assert metrics["smallest_validation_accuracy_percent"] == subnets[0]["accuracy_percent"]
    assert metrics["validation_accuracy_percent"] == subnets[1]["accuracy_percent"]
    assert metrics["validation_loss"] == subnets[1]["loss"]
    mean = sum(fields["accuracy_percent"] for fields in subnets[2:]) / 3
    assert metrics["sampled_validation_accuracy_percent"] == pytest.approx(mean)
    assert report.score == pytest.approx((subnets[0]["accuracy_percent"] + subnets[1]["accuracy_percent"]) / 2)
    (sampled,) = of_kind(report.reports, "sampled")
    assert sampled["networks"] == 2 * trainer.steps_per_epoch
    assert of_kind(epoch_of(trainer, 1).reports, "sampled")[0]["networks"] == 2 * trainer.steps_per_epoch
    trainer.close()


def test_no_sampled_networks():
    trainer = made(tiny.config("attentive-nas", networks_per_step=2, validation_networks=0))
    report = epoch_of(trainer)
    assert trainer.step_metrics()["sampled_loss"] is None
    assert report.metrics["sampled_validation_accuracy_percent"] is None
    assert of_kind(report.reports, "sampled")[0]["networks"] == 0


def test_a_step_tells_of_both_ends():
    trainer = made(tiny.config())
    images = trainer.step(0)
    found = trainer.step_metrics()
    assert found.keys() == {
        "loss", "accuracy_percent", "smallest_loss", "smallest_accuracy_percent", "sampled_loss", "learning_rate"
    }  # fmt: skip
    assert images == 32
    # Untrained, with last batch norms of blocks at 0: about the loss of guessing.
    assert all(abs(found[name] - math.log(10)) < 0.8 for name in ("loss", "smallest_loss", "sampled_loss"))
    ((kind, fields),) = trainer.detail_reports()
    assert kind == "gradient"
    assert fields["weight_gradient_norm"] > 0


@pytest.mark.parametrize("method", ["bignas", "attentive-nas"])
def test_it_learns(method):
    trainer = made(
        tiny.config(method, limit_images=600, epochs=8, learning_rate_warmup_epochs=0, validation_networks=0)
    )
    first, *_, last = (epoch_of(trainer, epoch).metrics for epoch in range(trainer.epochs))
    assert last["train_loss"] < first["train_loss"] - 0.2
    assert last["validation_accuracy_percent"] > 35
    assert last["smallest_validation_accuracy_percent"] > 20


@pytest.mark.parametrize(
    "values",
    [
        {"memory_format": "contiguous", "optimizer": "rmsprop"},
        {"gradient_clip_by": "norm", "learning_rate_schedule": "exponential", "distillation": False},
        {"method": "attentive-nas", "clean_teacher": True, "decay_norms_and_biases": True},
        {"method": "attentive-nas", "sampling": "worst-up", "macs_prior": "flat", "precision": "bfloat16"},
    ],
    ids=["rmsprop", "exponential", "best-up", "worst-up in bfloat16"],
)
def test_every_switch_trains(values):
    trainer = made(tiny.config(**values))
    before = [weight.detach().clone() for weight in trainer.supernet.parameters()]
    for step in range(2):
        trainer.step(step)
    assert all(math.isfinite(value) for value in trainer.step_metrics().values())
    moved = [not torch.equal(*pair) for pair in zip(before, trainer.supernet.parameters(), strict=True)]
    assert sum(moved) > 0.8 * len(moved)
    assert all(
        weight.dtype == torch.float32 and bool(weight.isfinite().all()) for weight in trainer.supernet.parameters()
    )


def test_the_predictor_is_fitted_after_a_tenth_of_the_epochs_and_twice_more():
    config = tiny.config(
        "attentive-nas", score="predictor", predictor_networks=8, epochs=10, candidates=20, limit_images=64
    )
    trainer = made(config)
    asked = []
    real = trainer._sandwich.candidate_losses
    trainer._sandwich.candidate_losses = lambda images, labels, found: (
        asked.append(len(found)) or real(images, labels, found)
    )
    told = [of_kind(epoch_of(trainer, epoch).reports, "message") for epoch in range(9)]
    assert [bool(messages) for messages in told] == [epoch in (0, 3, 6) for epoch in range(9)]
    assert "8 networks" in told[0][0]["text"]
    assert asked == [6] * trainer.steps_per_epoch  # by loss among three, until it is fitted


def test_what_a_step_costs_is_told():
    def said(config):
        return " ".join(fields["text"] for fields in of_kind(made(config).initial_report().reports, "message"))

    assert "4 networks on one batch: the biggest, the smallest and 2 sampled networks." in said(tiny.config())
    assert "each one of 3 candidates by loss: 6 more passes" in said(tiny.config("attentive-nas"))
    assert "of 50 candidates by a predictor" in said(tiny.config("attentive-nas", score="predictor", candidates=50))
    assert "show nothing new" not in said(tiny.config())
    assert "8 pixels to 20 to 32" in said(tiny.config(space="laptop", space_definition=None))


def test_images_that_do_not_suit_are_refused():
    config = tiny.config()
    data = load_data(config, CPU)
    validation = data.splits.pop("validation")
    with pytest.raises(ConfigError, match="no validation images"):
        made(config, data)
    data.splits["validation"] = validation
    object.__setattr__(data, "channels", 4)
    with pytest.raises(ConfigError, match="4 colour channels"):
        made(config, data)


def test_checking_changes_nothing():
    trainer = made(tiny.config())
    before = {name: value.clone() for name, value in trainer.supernet.state_dict().items()}
    random_state = torch.get_rng_state()
    trainer.check()
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(value, before[name]) for name, value in trainer.supernet.state_dict().items())


def test_measuring_disturbs_no_training():
    ones, others = made(tiny.config()), made(tiny.config())
    torch.manual_seed(1)
    ones.step(0)
    ones.end_epoch(0, lambda: None)
    ones.step(1)
    torch.manual_seed(1)
    others.step(0)
    others.step(1)
    for mine, theirs in zip(ones.supernet.parameters(), others.supernet.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_orders_of_memory_give_the_same_step():
    ones, others = (
        made(tiny.config(memory_format=order, dropout=0.0, drop_connect=0.0))
        for order in ("contiguous", "channels-last")
    )
    for trainer in (ones, others):
        for step in range(3):
            trainer.step(step)
    for mine, theirs in zip(ones.supernet.parameters(), others.supernet.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


def test_a_fall_back_to_guessing_is_told_once_a_fall():
    watch = LossWatch(1000)
    told = [
        watch.look(loss) for loss in (6.95, 6.9, 6.0, 4.0, 3.2, 6.89, 6.91, 6.5, 4.0, 3.1, 6.88, math.nan, math.inf)
    ]
    assert [place for place, found in enumerate(told) if found is not None] == [5, 10]
    assert told[5].code == "reinitialized"
    assert told[5].severity == "severe"
    assert told[5].numbers["best_loss"] == 3.2
    assert told[5].numbers["guessing_loss"] == pytest.approx(6.9078, abs=1e-4)
    assert "6.89" in told[5].message
    assert "6.91" in told[5].message


def test_the_trainer_watches_the_loss():
    trainer = made(tiny.config())
    trainer._watch.look(0.5)
    trainer.step(0)
    kinds = [kind for kind, _ in trainer.detail_reports()]
    assert kinds == ["gradient", "diagnosis"]
    trainer.step(1)
    assert [kind for kind, _ in trainer.detail_reports()] == ["gradient"]
