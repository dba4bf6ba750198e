"""Where a genotype comes from, and how any cell works, in plain words."""

from __future__ import annotations

from app.cells.fact_table import Fact
from app.cells.words import number, tr
from engine.genotype import Genotype
from engine.genotype.graph import state_name


def passport_facts(genotype: Genotype) -> list[Fact]:
    """What is known of its origin, in rows; only what a source says."""
    source = genotype.source
    facts = []
    error = number(source.get("test_error_percent"))
    if error is not None:
        spread = number(source.get("test_error_std_percent"))
        text = f"{error:.2f} %" if spread is None else f"{error:.2f} ± {spread:.2f} %"
        hint = tr("Published error after retraining: 36 channels, 20 cells, 600 epochs.")
        facts.append(Fact(tr("CIFAR-10 error"), text, hint=hint))
    for key, name, form in (
        ("parameters_millions", tr("parameters"), "{:.1f} M"),
        ("imagenet_top1_error_percent", tr("ImageNet top-1 error"), "{:.1f} %"),
        ("imagenet_parameters_millions", tr("ImageNet parameters"), "{:.1f} M"),
        ("imagenet_mult_adds_millions", tr("ImageNet multiply-adds"), "{:.0f} M"),
        ("search_gpu_days", tr("search cost"), "{:g} GPU days"),
    ):
        value = number(source.get(key))
        if value is not None:
            facts.append(
                Fact(name, form.format(value).replace("1 GPU days", "1 GPU day") if value == 1 else form.format(value))
            )
    for key, name in (
        ("paper", tr("paper")), ("repository", tr("from")), ("numbers_from", tr("numbers from")), ("note", tr("note")),
        ("run", tr("run")), ("method", tr("method")), ("data", tr("data")),
    ):  # fmt: skip
        value = source.get(key)
        if isinstance(value, str) and value:
            facts.append(Fact(name, value))
    epoch = source.get("epoch")
    if isinstance(epoch, int):
        facts.append(Fact(tr("epoch"), str(epoch)))
    return facts


def how_a_cell_works(genotype: Genotype | None) -> str:
    """From the two inputs to the output; with the numbers of this genotype where there is one."""
    lines = [
        tr("k−2 and k−1 are the outputs of the two cells before."),
        tr("A node applies one operation to each state it keeps and adds the results; a search lets it keep two, chosen among the inputs and all earlier nodes."),
    ]  # fmt: skip
    if genotype is None:
        lines.append(tr("The output, concat, is the nodes side by side."))
    else:
        lines.append(_concat_text(genotype))
    lines.append(
        tr("All normal cells share one plan but each has its own weights. Two reduction cells, at a third and two thirds of the depth, halve the resolution.")
    )  # fmt: skip
    return " ".join(lines)


def _concat_text(genotype: Genotype) -> str:
    cell = genotype.normal
    everything = set(range(2, cell.state_count))
    edges = sum(len(node) for node in cell.nodes)
    counted = tr("Here {nodes} nodes make {edges} operations.").format(nodes=len(cell.nodes), edges=edges)
    if set(cell.concat) == everything:
        return counted + " " + tr("The output, concat, is all nodes side by side.")
    joined = tr(" and ").join(state_name(state) for state in cell.concat)
    return counted + " " + tr("The output, concat, is {joined} side by side.").format(joined=joined)
