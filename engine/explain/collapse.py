"""What usually goes wrong in a search, recognized from alphas and cells; curves are judged in ``learning``.

Every threshold is above (or below) what the published cells show: none of them raises a warning.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.explain.changes import EpochAlphas, alphas_of, mean_weight_by_epoch
from engine.explain.choices import CLOSE_LEAD, explain_cell
from engine.explain.diagnosis import Diagnosis, History
from engine.explain.learning import learning_diagnoses
from engine.explain.measures import edge_count, mean_entropy, skip_count
from engine.genotype.discretize import discretize, operation_weights
from engine.genotype.genotype import CELL_KINDS, Genotype

# Published normal cells have 1 (PC-DARTS), 2 (DARTS 2nd order, P-DARTS) or 3 (1st order) skips of 8 edges; the cell in the
# Beta-DARTS repository has 4. RobustDARTS (Zela et al., ICLR 2020) and DARTS+ (Liang et al., 2019) tie the skips that take
# over late in a search to networks that test worse.
COLLAPSED_SKIP_SHARE = 0.75
MANY_SKIPS_SHARE = 0.5
# Rising: the mean weight of skip grew in 4 of the last 5 epochs, by a tenth in all, while 3 of 8 edges are skips already.
RISING_EPOCHS = 5
RISING_TIMES = 4
RISING_GROWTH = 1.1
RISING_SKIP_SHARE = 0.375
# Alphas start as 1e-3 N(0, 1): entropy share 1 - 2e-7. A share of 0.999 is a spread of about 0.06, half of what Adam at
# 3e-4 can move an alpha in one epoch of 391 steps: after half a search that is no decision.
UNMOVED_ENTROPY_SHARE = 0.999
# At half of ln 8 about three of eight operations are left (e^1.04 = 2.8). Within the first quarter the weights have not
# been trained long enough to be compared: operations without weights win early (Zela et al.; PC-DARTS section 3.3).
DECIDED_ENTROPY_SHARE = 0.5
EARLY_PORTION = 0.25
# More than half of the decisions within 10 %: another seed most likely gives another cell (darts issues 32 and 110).
CLOSE_DECISIONS_SHARE = 0.5
# `none` first on more than half of the edges is common for DARTS on CIFAR-10 and puzzles people (darts issue 32).
NONE_FIRST_SHARE = 0.5


def diagnose(
    history: History, primitives: Sequence[str], *, genotype: Genotype | None = None, warmup_epochs: int = 0
) -> list[Diagnosis]:
    """Everything that can be said about a run as its log stands, gravest first.

    Args:
        primitives: of an alpha row; unused where the run logged no alphas.
        genotype: the cells, where they do not come from alphas (a random cell).
        warmup_epochs: epochs with frozen alphas at the start.
    """
    records = history.alphas_by_epoch()
    epochs = int(history.started.get("epochs") or 0)
    found: list[Diagnosis] = []
    if records:
        last = records[-1]
        cells = discretize(last, primitives)
        found += diagnose_epoch(
            last,
            cells,
            primitives=primitives,
            epoch=last.epoch,
            epochs=epochs,
            warmup_epochs=warmup_epochs,
            previous=records[:-1],
        )
    elif genotype is not None:
        found += _skips(genotype)
    found += learning_diagnoses(history)
    return sorted(found, key=lambda diagnosis: ("severe", "warning", "info").index(diagnosis.severity))


def diagnose_epoch(
    record: EpochAlphas,
    genotype: Genotype,
    *,
    primitives: Sequence[str],
    epoch: int,
    epochs: int,
    warmup_epochs: int = 0,
    previous: Sequence[EpochAlphas] = (),
) -> list[Diagnosis]:
    """What the alphas and cells at the end of one epoch say: cheap, for the search itself.

    Args:
        epoch: the epoch that ended, from 0.
        epochs: of the whole search; 0 where unknown.
        previous: records of the epochs before, in order; a few are enough, without them rising skips are not seen.
    """
    found = _skips(genotype)
    if epoch >= warmup_epochs:
        found += _rising_skips([*previous, record], genotype, primitives)
        found += _entropy(record, epoch, epochs, warmup_epochs)
        found += _none_first(record, primitives)
    if epochs and epoch + 1 >= epochs:
        found += _close_decisions(record, primitives)
    return found


def _skips(genotype: Genotype) -> list[Diagnosis]:
    skips, edges = skip_count(genotype.normal), edge_count(genotype.normal)
    numbers = {"skips": skips, "edges": edges}
    if skips >= COLLAPSED_SKIP_SHARE * edges:
        return [
            Diagnosis(
                "skip_collapse", "severe",
                f"{skips} of {edges} operations in the normal cell are skip connections: the search has collapsed. Such cells "
                "train fast and test badly. Take the cell of an earlier epoch, or search again with pc-darts or beta-darts.",
                numbers,
            )
        ]  # fmt: skip
    if skips > MANY_SKIPS_SHARE * edges:
        return [
            Diagnosis(
                "many_skips", "warning",
                f"{skips} of {edges} operations in the normal cell are skip connections; published cells have 1 to 4 of 8. "
                "Six or more usually mean collapse. Compare with the cell of an earlier epoch.",
                numbers,
            )
        ]  # fmt: skip
    return []


def _rising_skips(records: Sequence[EpochAlphas], genotype: Genotype, primitives: Sequence[str]) -> list[Diagnosis]:
    skips, edges = skip_count(genotype.normal), edge_count(genotype.normal)
    recent = records[-RISING_EPOCHS - 1 :]
    if not RISING_SKIP_SHARE <= skips / edges <= MANY_SKIPS_SHARE or len(recent) <= RISING_EPOCHS:
        return []
    weights = mean_weight_by_epoch(recent, "normal", primitives, "skip_connect")
    grew = int((np.diff(weights) > 0).sum())
    if grew < RISING_TIMES or weights[-1] < RISING_GROWTH * weights[0]:
        return []
    return [
        Diagnosis(
            "skips_rising", "warning",
            f"Skip share is rising: {skips} of {edges} operations in the normal cell. Six or more usually mean collapse. "
            f"The mean weight of skip grew in {grew} of the last {RISING_EPOCHS} epochs, from {weights[0]:.3f} to {weights[-1]:.3f}.",
            {"skips": skips, "edges": edges, "grew": grew, "weight_before": float(weights[0]), "weight_now": float(weights[-1])},
        )
    ]  # fmt: skip


def _entropy(record: EpochAlphas, epoch: int, epochs: int, warmup_epochs: int) -> list[Diagnosis]:
    found = []
    done = (epoch + 1 - warmup_epochs) / max(1, epochs - warmup_epochs) if epochs else 0.0
    for kind in CELL_KINDS:
        entropy = mean_entropy(alphas_of(record, kind)[0])
        numbers = {"kind": kind, "entropy_nats": entropy.nats, "entropy_share": entropy.share, "epoch": epoch}
        if done >= 0.5 and entropy.share > UNMOVED_ENTROPY_SHARE:
            found.append(
                Diagnosis(
                    f"alphas_unmoved_{kind}", "warning",
                    f"The alphas of the {kind} cell are still uniform ({100 * entropy.share:.2f} % of the largest entropy) after "
                    f"{epoch + 1} of {epochs} epochs: this cell is mostly chance. Search longer, or raise alpha_learning_rate.",
                    numbers,
                )
            )  # fmt: skip
        # One epoch is the whole first quarter of a search of four; only a search with room for a beginning can decide in it.
        elif epochs >= 8 and epoch + 1 <= EARLY_PORTION * epochs and entropy.share < DECIDED_ENTROPY_SHARE:
            found.append(
                Diagnosis(
                    f"decided_early_{kind}", "warning",
                    f"The {kind} cell has nearly decided after {epoch + 1} of {epochs} epochs (entropy {entropy.nats:.2f} of "
                    f"{entropy.nats / entropy.share:.2f} nats), before its weights could be compared. Lower alpha_learning_rate, or "
                    "freeze the alphas for some warmup_epochs.",
                    numbers,
                )
            )  # fmt: skip
    return found


def _none_first(record: EpochAlphas, primitives: Sequence[str]) -> list[Diagnosis]:
    if "none" not in primitives:
        return []
    none = list(primitives).index("none")
    weights = np.concatenate([operation_weights(alphas_of(record, kind)[0]) for kind in CELL_KINDS])
    first = int((weights.argmax(axis=1) == none).sum())
    # A row that is still uniform has a first entry too, and means nothing.
    clearly = weights[:, none].mean() > (1 + CLOSE_LEAD) / len(primitives)
    if first <= NONE_FIRST_SHARE * len(weights) or not clearly:
        return []
    return [
        Diagnosis(
            "none_first", "info",
            f"none has the largest weight on {first} of {len(weights)} edges. That is common with DARTS: none only scales an edge "
            "down and is never chosen. Small weights of the chosen operations are its doing.",
            {"edges_with_none_first": first, "edges": len(weights), "mean_weight": float(weights[:, none].mean())},
        )
    ]  # fmt: skip


def _close_decisions(record: EpochAlphas, primitives: Sequence[str]) -> list[Diagnosis]:
    close = decisions = 0
    for kind in CELL_KINDS:
        for node in explain_cell(*alphas_of(record, kind), primitives):
            for edge in node.kept:
                decisions += 1
                close += edge.margin_is_small or edge.edge_lead_is_small
    if close <= CLOSE_DECISIONS_SHARE * decisions:
        return []
    return [
        Diagnosis(
            "close_decisions", "info",
            f"{close} of {decisions} decisions of the final cells hang on a lead below 10 %. Another seed most likely gives another "
            "cell: compare several searches before you trust this one.",
            {"close": close, "decisions": decisions},
        )
    ]  # fmt: skip
