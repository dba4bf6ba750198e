"""What two processes check together, in one start: run by ``test_two_ranks.py`` under each rank's environment.

Each check compares what the ranks find from their shares with what one process finds on the joint batch, in float64,
and gives the largest difference; a JSON object of them goes to the path in the first argument.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from engine.config import resolve
from engine.data import load_data
from engine.distributed import ALONE, synchronize, together
from engine.distributed.normalization import RanksBatchNorm, joint_batch_norm
from engine.errors import ConfigError
from engine.search.gap import measure
from engine.search.layout import lay_out
from engine.search.sample import random_genotype
from engine.search.steps import AlphaStep, WeightStep
from engine.training.evaluate import evaluate
from engine.two_stage.trainer import TwoStageTrainer

CPU = torch.device("cpu")
IMAGES = 7  # 3 for the one, 4 for the other
SMALL = {"channels": 4, "layers": 3, "batch_size": IMAGES, "nodes": 2, "epochs": 2,
         "space": "none,max_pool_3x3,skip_connect,sep_conv_3x3"}  # fmt: skip
METHODS = {
    "darts": {"method": "darts"},
    "darts, second order": {"method": "darts-v2"},
    "darts, exact second order": {"method": "darts-v2", "second_order": "exact"},
    "pc-darts": {"method": "pc-darts", "partial_channels": 2, "warmup_epochs": 0},
    "pc-darts, second order": {"method": "pc-darts", "partial_channels": 2, "warmup_epochs": 0, "order": 2},
    "beta-darts": {"method": "beta-darts"},
    "darts, textbook": {"method": "darts", "supernet": "reference"},
    "pc-darts, recomputing": {"method": "pc-darts", "partial_channels": 2, "warmup_epochs": 0, "activation_checkpointing": "on"},
}  # fmt: skip


def distance(ones, others):
    return max(
        float((one - other).detach().abs().max()) for one, other in zip(ones, others, strict=True) if one.numel()
    )


def batches(seed, count=2):
    generator = torch.Generator().manual_seed(seed)
    return [
        (
            torch.randn(IMAGES, 1, 8, 8, generator=generator, dtype=torch.float64),
            torch.randint(10, (IMAGES,), generator=generator),
        )
        for _ in range(count)
    ]


def cut(batch, ranks):
    first, last = ranks.share(0, IMAGES)
    return batch[0][first:last], batch[1][first:last]


def stepped(settings, ranks, *, in_eval):
    """Two steps of the alphas and of the weights; with one process on the joint batches, else on the shares."""
    torch.manual_seed(1)
    supernet, _ = lay_out(settings, 10, (1, 8, 8), CPU, {}, ranks)
    supernet.double()
    if in_eval:
        supernet.eval()
        supernet.train = lambda mode=True: supernet
    elif ranks.size > 1:
        synchronize(supernet, ranks)
    weight_step = WeightStep(supernet, settings, CPU, ranks)
    alpha_step = AlphaStep(supernet, settings, CPU, weight_step, 2, ranks)
    told = {}
    for seed in (2, 3) if in_eval else (2,):  # The second unrolls with momentum.
        for_alphas, for_weights = (cut(batch, ranks) for batch in batches(seed))
        told |= alpha_step(for_alphas, for_weights, epoch=1, learning_rate=0.02, joint_images=(IMAGES, IMAGES))
        told |= weight_step(for_weights, 0.02, IMAGES)[0]
    tensors = [*supernet.arch_tensors(), *supernet.parameters(), *supernet.buffers(), *weight_step.momentum()]
    tensors += [
        kept["exp_avg"] for kept in alpha_step.optimizer.state.values()
    ]  # the gradient, whatever Adam makes of it
    numbers = [torch.as_tensor(value, dtype=torch.float64) for value in told.values()]
    return [tensor.detach().double() for tensor in tensors] + numbers, supernet


def check_steps(ranks, found):
    for name, values in METHODS.items():
        for in_eval in (True, False):
            if not in_eval and values.get("second_order") == "exact":
                continue  # refused
            settings = resolve("search", values={**SMALL, **values})
            joint, supernet = stepped(settings, ranks, in_eval=in_eval)
            alone, _ = stepped(settings, ALONE, in_eval=in_eval)
            key = f"{name}, {'batch norm in eval mode' if in_eval else 'synchronized batch norm'}"
            found[key] = distance(joint, alone)
            equal = ranks.agree_on([*supernet.arch_tensors(), *supernet.parameters()])
            found[f"{key}: bits"] = 0.0 if equal else 1.0


def check_exchanges(ranks, found):
    mine = [torch.full((2, 3), 1.0 + ranks.rank, dtype=torch.float64), torch.tensor(10 * (ranks.rank + 1))]
    ranks.sum_(mine)
    said = ranks.first_says({"rank": ranks.rank}), ranks.all_say(ranks.rank), ranks.first_decides(5 + ranks.rank)
    copied = torch.full((4,), ranks.rank).t().expand(2, 4)[:, ::2].clone().t()  # no contiguous memory
    ranks.copy_from_first([copied])
    expected = [torch.full((2, 3), 3.0), torch.tensor(30)]
    wrong = [not torch.equal(a.double(), b.double()) for a, b in zip(mine, expected, strict=True)]
    wrong += [said != ({"rank": 0}, [0, 1], 5), bool(copied.any())]
    wrong += [ranks.agree_on([torch.tensor([ranks.rank])]), not ranks.agree_on([torch.ones(2)])]
    wrong += [ranks.seed(1) == ranks.first_says(ranks.seed(1)) and ranks.rank == 1]
    found["exchanges"] = float(sum(wrong))


def check_batch_norm(ranks, found):
    """Against torch's on the joint batch: values, gradients, running statistics; also where one share is empty."""
    for name, count in (("uneven shares", IMAGES), ("an empty share", 1)):
        generator = torch.Generator().manual_seed(4)
        images = (3 + torch.randn(count, 5, 4, 4, generator=generator, dtype=torch.float64)).requires_grad_()
        gradient = torch.randn(count, 5, 4, 4, generator=generator, dtype=torch.float64)
        scale, shift = (torch.randn(5, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))
        running = torch.zeros(5, dtype=torch.float64), torch.ones(5, dtype=torch.float64)
        expected = F.batch_norm(images, *running, scale, shift, training=True, momentum=0.1)
        expected_gradients = torch.autograd.grad(expected, [images, scale, shift], gradient)
        first, last = ranks.share(0, count)
        own = images.detach()[first:last].requires_grad_()
        moved = torch.zeros(5, dtype=torch.float64), torch.ones(5, dtype=torch.float64)
        got, _, _ = joint_batch_norm(own, scale, shift, 1e-5, moved, 0.1)
        of_x, of_scale, of_shift = torch.autograd.grad(got, [own, scale, shift], gradient[first:last])
        sums = ranks.sums([of_scale, of_shift])
        found[f"batch norm, {name}"] = distance(
            [got, of_x, *sums, *moved],
            [expected[first:last], expected_gradients[0][first:last], *expected_gradients[1:], *running],
        )
    far = torch.randn(IMAGES, 2, 16, 16, generator=torch.Generator().manual_seed(5)) + 300
    (mine, _, _), exact = joint_batch_norm(cut((far, far), ranks)[0], None, None, 1e-5, None, 0.0), far.double()
    exact = F.batch_norm(exact, None, None, training=True)[slice(*ranks.share(0, IMAGES))]
    found["float32 far from zero"] = distance([mine.double()], [exact])


def check_synchronize(ranks, found):
    """Any network's batch norms; names stay, and a norm that is switched back is torch's again."""
    torch.manual_seed(6)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2)
    ).double()
    network[4].momentum = None
    alone = copy.deepcopy(network)
    names = list(network.state_dict())
    synchronize(network, ranks)
    joint = batches(7)[0]
    for _ in range(2):
        alone.zero_grad()
        network.zero_grad()
        alone(joint[0]).square().sum().backward()
        network(cut(joint, ranks)[0]).square().sum().backward()
    gradients = ranks.sums([weight.grad for weight in network.parameters()])
    expected = [weight.grad for weight in alone.parameters()]
    statistics = [tensor.double() for tensor in network.buffers()], [tensor.double() for tensor in alone.buffers()]
    found["synchronize"] = max(distance(gradients, expected), distance(*statistics))
    wrong = [list(network.state_dict()) != names, type(network[1]) is not RanksBatchNorm]
    synchronize(network, ALONE)
    wrong.append(network[1].is_joint)
    try:
        synchronize(nn.Sequential(nn.BatchNorm1d(3)), ranks)
        wrong.append(True)
    except ConfigError:
        pass
    found["synchronize: names"] = float(sum(wrong))


def check_evaluation(ranks, found):
    """Sums over shares, some of them empty; and the gap."""
    torch.manual_seed(8)
    settings = resolve("search", values=SMALL)
    supernet, _ = lay_out(settings, 10, (1, 8, 8), CPU, {})
    supernet.double()
    joint = [*batches(9), (torch.zeros(1, 1, 8, 8, dtype=torch.float64), torch.tensor([3]))]
    shares = [tuple(part[slice(*ranks.share(0, len(part)))] for part in batch) for batch in joint]
    assert any(len(labels) == 0 for _, labels in shares) == (ranks.rank == 0)
    got, expected = evaluate(supernet, shares, CPU, ranks), evaluate(supernet, joint, CPU)
    found["evaluate"] = max(
        abs(got.loss - expected.loss), abs(got.accuracy_percent - expected.accuracy_percent), abs(got.images - expected.images),
        abs(got.top5_accuracy_percent - expected.top5_accuracy_percent),
    )  # fmt: skip
    genotype = random_genotype(torch.Generator().manual_seed(1), 2, settings.primitives)
    alone = measure(copy.deepcopy(supernet), joint, genotype, recalibration=joint[:2])
    synchronize(supernet, ranks)
    together_ = measure(supernet, shares, genotype, recalibration=shares[:2], ranks=ranks)
    found["gap"] = max(
        abs(getattr(alone, name) - getattr(together_, name)) for name in ("soft", "discrete", "recalibrated")
    )


def two_stage(ranks, *, in_float64, **values):
    """An epoch of a supernet on joint batches of 7; in float64 with joint batch norms and no random number but the sampling's."""
    settings = resolve("two-stage", method="attentive-nas", data="digits", values={
        "space": "laptop", "image_size": 8, "limit_images": 28, "batch_size": IMAGES, "epochs": 2, "calibration_images": 16,
        "calibration_batch_size": 8, "learning_rate_warmup_epochs": 0, "seed": 3, **values,
    })  # fmt: skip
    torch.manual_seed(1)
    trainer = TwoStageTrainer(settings, load_data(settings, CPU), CPU, None, ranks)
    if in_float64:
        trainer.supernet.double()
        batch = trainer._stream.batch
        trainer._stream.batch = lambda step: (batch(step)[0].double(), batch(step)[1])
    else:
        torch.manual_seed(ranks.seed(1))
    for step in range(trainer.steps_per_epoch):
        trainer.step(step)
    return trainer


def check_two_stage(ranks, found):
    """The best of candidates are the same on all ranks, by the loss on the joint batch, and so are weights and numbers."""
    quiet = {"dropout": 0, "drop_connect": 0, "sync_batch_norm": True, "in_float64": True}
    joint, alone = (two_stage(each, **quiet) for each in (ranks, ALONE))
    found["two-stage: weights"] = distance(list(joint.supernet.parameters()), list(alone.supernet.parameters()))
    found["two-stage: sampled"] = float(joint._tally.as_json() != alone._tally.as_json())
    metrics = [torch.tensor(list(trainer.step_metrics().values())) for trainer in (joint, alone)]
    found["two-stage: metrics, float32"] = float((metrics[0] - metrics[1]).abs().max() > 1e-4)
    (_, mine), (_, others) = (trainer.detail_reports()[0] for trainer in (joint, alone))
    found["two-stage: gradient"] = abs(mine["weight_gradient_norm"] - others["weight_gradient_norm"])
    usual = two_stage(ranks, in_float64=False)
    report = usual.end_epoch(0, ranks.wait)
    told = ranks.all_say((report.metrics, report.reports, report.score))
    found["two-stage: told"] = float(told[0] != told[1])
    found["two-stage: bits"] = float(not ranks.agree_on(list(usual.supernet.parameters())))


def main(path):
    found = {}
    with together() as ranks:
        for check in (
            check_exchanges,
            check_batch_norm,
            check_synchronize,
            check_evaluation,
            check_steps,
            check_two_stage,
        ):
            check(ranks, found)
        told = ranks.all_say(found)
    if ranks.rank == 0:
        worst = {name: max(one[name] for one in told) for name in found}
        Path(path).write_text(json.dumps(worst), encoding="utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1])
