"""Networks that look trained, without a training."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def liven(network, seed=0):
    """Weights and statistics that a fresh network does not have: every part then shows in the logits."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
            elif name.endswith(("running_mean", "bias")):
                value.copy_(0.3 * torch.randn(value.shape, generator=generator))
            elif value.ndim == 1 and value.dtype.is_floating_point:
                value.copy_(0.7 + 0.6 * torch.rand(value.shape, generator=generator))
    return network


@pytest.fixture(scope="session")
def make_lively():
    return liven


@pytest.fixture(scope="session")
def write_trained_run():
    """A retraining whose checkpoint is written by hand: a lively network, ten classes of grey images of 8×8."""

    def make(path, genotype="DARTS_V2", *, epochs_ended=2, **settings):
        import torch

        from engine.config import resolve
        from engine.genotype.named import named
        from engine.networks import build_network
        from engine.runs import RunFolder
        from engine.runs.folder import CHECKPOINT_LAST
        from engine.training.checkpoint import save_checkpoint

        cells = named(genotype) if isinstance(genotype, str) else genotype
        values = {"channels": 4, "layers": 3, "genotype": cells.as_json()} | settings
        config = resolve("retrain", data="digits", values=values)
        folder = RunFolder.create(path, config)
        torch.manual_seed(1)
        network = liven(build_network(config, 10, 1, 8))
        trainer = {
            "weights": network.state_dict(), "classes": [f"digit {n}" for n in range(10)], "image_channels": 1, "image_size": 8,
            "normalization": [[0.3], [0.4]],
        }  # fmt: skip
        save_checkpoint(folder.path / CHECKPOINT_LAST, {"epochs_ended": epochs_ended, "trainer": trainer})
        return folder, network.eval()

    return make


@pytest.fixture
def trained_run(write_trained_run, tmp_path):
    return lambda *arguments, **settings: write_trained_run(tmp_path / "net", *arguments, **settings)
