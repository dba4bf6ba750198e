"""What the final network would cost, and what part of it an operation takes. Closed forms: cheap enough to follow a run."""

from __future__ import annotations

from app.cells.cell_facts import in_cell, kind_word
from app.cells.fact_table import Fact
from app.cells.words import tr
from app.run_model import RunModel
from app.selection import Operation
from engine.cost import PAPER_CIFAR, PAPER_IMAGENET, Cost, NetworkSettings, network_cost, operation_cost
from engine.cost.of_run import retraining_settings
from engine.cost.quantities import in_words
from engine.errors import ConfigError, GenotypeError
from engine.genotype import Genotype
from engine.genotype.stack import reduction_places


def network_facts(genotype: Genotype, model: RunModel | None) -> list[Fact]:
    """A row a network: at the papers' sizes, and at those of the run's own retraining where they are others."""
    rows = [(tr("CIFAR-10, paper size"), PAPER_CIFAR), (tr("ImageNet, paper size"), PAPER_IMAGENET)]
    own = None if model is None else own_settings(model)
    if model is not None and own is not None and own not in (PAPER_CIFAR, PAPER_IMAGENET):
        rows.insert(0, (tr("this network") if model.kind == "retrain" else tr("as retrained here"), own))
    facts = []
    for name, settings in rows:
        try:
            cost = network_cost(genotype, settings).cost
        except GenotypeError as error:
            return [Fact(tr("cost"), tr("not counted"), hint=error.what)]
        except ConfigError:
            continue
        facts.append(Fact(name, _pair(cost), hint=_sizes(settings) + " " + convention()))
    return facts


def operation_facts(operation: Operation, genotype: Genotype, model: RunModel | None, whole_is: str = "") -> list[Fact]:
    """The network that these cells make, and the operation's part in it; empty where it has no closed form.

    Args:
        whole_is: name of one row for the whole network; without it there is a row for parameters and one for multiply-adds,
            which say at what size.
    """
    settings = (own_settings(model) if model is not None else None) or PAPER_CIFAR
    try:
        whole = network_cost(genotype, settings).cost
        part = operation_cost(settings, operation.kind, operation.primitive, operation.source)
    except (GenotypeError, ConfigError):
        return []
    reductions = len(reduction_places(settings.layers))
    count = reductions if operation.kind == "reduction" else settings.layers - reductions
    in_all = tr("{parameters} parameters and {macs} multiply-adds in all {count} {kind} cells.").format(
        parameters=in_words(part.parameters), macs=in_words(part.macs), count=count, kind=kind_word(operation.kind)
    )
    hint = _sizes(settings) + " " + convention()
    facts = [Fact(whole_is, _pair(whole), hint=hint)] if whole_is else _whole_facts(whole, settings, hint)
    if in_cell(genotype, operation):
        share = f"{_percent(part.parameters, whole.parameters)} · {_percent(part.macs, whole.macs)}"
        facts.append(Fact(tr("of it this operation"), share, hint=in_all))
    else:
        facts.append(Fact(tr("this would take"), _pair(part), hint=in_all))
    return facts


def own_settings(model: RunModel) -> NetworkSettings | None:
    """The network that the run trains, or for a search that its retraining would; None where the sizes are not known."""
    return retraining_settings(model.config, model.history.started)


def convention() -> str:
    """How multiply-adds are counted, one sentence."""
    return tr("One image; convolutions and linear layers; without the auxiliary head.")


def _sizes(settings: NetworkSettings) -> str:
    text = tr("{channels} channels, {layers} cells, {classes} classes, images of {size} pixels.")
    return text.format(
        channels=settings.channels, layers=settings.layers, classes=settings.classes, size=settings.image_size
    )


def _whole_facts(cost: Cost, settings: NetworkSettings, hint: str) -> list[Fact]:
    parameters = tr("parameters, {channels} channels, {layers} cells")
    macs = tr("multiply-adds, {size}×{size}")
    return [
        Fact(
            parameters.format(channels=settings.channels, layers=settings.layers), in_words(cost.parameters), hint=hint
        ),
        Fact(macs.format(size=settings.image_size), in_words(cost.macs), hint=hint),
    ]


def _pair(cost: Cost) -> str:
    return f"{in_words(cost.parameters)} · {in_words(cost.macs)}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
