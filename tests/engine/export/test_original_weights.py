import subprocess
import sys

import pytest
import torch
from original_network import Original

from engine.cli import main
from engine.errors import RunError
from engine.export import trained_network
from engine.export.original_weights import import_weights, read_weights
from engine.genotype.named import named


def cells_of(genotype):
    return {
        kind: (
            [(edge.primitive, edge.source) for _, _, edge in genotype.cell(kind).edges()],
            list(genotype.cell(kind).concat),
        )
        for kind in ("normal", "reduction")
    }


def original(make_lively, name="DARTS_V2", channels=4, classes=10, layers=3, auxiliary=True, imagenet=False):
    torch.manual_seed(3)
    return make_lively(Original(cells_of(named(name)), channels, classes, layers, auxiliary, imagenet))


def save(network, path, **how):
    torch.save(network.state_dict(), path, **how)
    return path


@pytest.mark.parametrize("name", ["NASNet", "AmoebaNet", "DARTS_V1", "DARTS_V2", "PC_DARTS_cifar", "PC_DARTS_image"])
def test_taken_over_weights_give_the_same_logits(make_lively, tmp_path, name):
    network = original(make_lively, name, layers=4)
    imported = import_weights(save(network, tmp_path / "cifar10_model.pt"), named(name), out=tmp_path / "run")
    ours = trained_network(imported.folder).network
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = network.eval()(images)
        logits, _ = ours.eval()(images)
        torch.testing.assert_close(logits, expected[0], rtol=1e-5, atol=1e-5)
        assert logits.abs().max() > 0.1
        # The auxiliary head too, whose logits exist in train mode only: both normalize by the batch.
        expected, found = network.train()(images), ours.train()(images)
        torch.testing.assert_close(found[1], expected[1], rtol=1e-4, atol=1e-4)


def test_imagenet_weights(make_lively, tmp_path):
    from engine.config import resolve
    from engine.export.original_names import original_names
    from engine.export.original_weights import _taken_over
    from engine.networks import build_network

    network = original(make_lively, "PC_DARTS_image", channels=8, classes=7, imagenet=True)
    values = {
        "genotype": named("PC_DARTS_image").as_json(),
        "channels": 8,
        "layers": 3,
        "auxiliary": True,
        "network": "imagenet",
    }
    ours = build_network(resolve("retrain", data="cifar10", values=values), 7, 3, 224)
    assert len(original_names(ours)) == len(set(original_names(ours).values()))
    ours.load_state_dict(_taken_over(ours, network.state_dict(), tmp_path))
    images = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images)[0], network.eval()(images)[0], rtol=1e-5, atol=1e-5)


def test_old_files_without_counted_batches(make_lively, tmp_path):
    """torch 0.3 wrote pickles, not archives, and its batch norms did not count."""
    network = original(make_lively)
    weights = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(weights, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    out = tmp_path / "run"
    assert (
        main(["import", str(tmp_path / "old.pt"), "--genotype", "DARTS_V2", "--out", str(out), "--name", "theirs"]) == 0
    )
    found = trained_network(import_weights(tmp_path / "old.pt", named("DARTS_V2"), out=tmp_path / "again").folder)
    assert found.class_names[0] == "airplane"
    assert found.normalization[0] == (0.49139968, 0.48215827, 0.44653124)
    assert found.config.channels == 4
    assert found.config.layers == 3
    assert found.config.auxiliary


def test_a_checkpoint_of_several_devices(make_lively, tmp_path):
    network = original(make_lively, auxiliary=False)
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"epoch": 250, "state_dict": state, "best_acc_top1": 75.8}, tmp_path / "model_best.pth.tar")
    found = import_weights(tmp_path / "model_best.pth.tar", named("DARTS_V2"), out=tmp_path / "run")
    assert not found.folder.config().auxiliary


def test_another_genotype_is_refused_by_its_first_tensor(make_lively, tmp_path):
    path = save(original(make_lively), tmp_path / "weights.pt")
    with pytest.raises(RunError, match=r"weights\.pt: has .*cells\.\d+.*genotype"):
        import_weights(path, named("PC_DARTS_cifar"), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_other_files_are_refused_by_name(make_lively, tmp_path, capsys):
    class Evil:
        def __reduce__(self):
            return (subprocess.call, ([sys.executable, "-c", f"open({str(tmp_path / 'PWNED')!r}, 'w')"],))

    torch.save({"a": Evil()}, tmp_path / "evil.pt")
    (tmp_path / "noise.pt").write_bytes(b"PK\x03\x04 not a zip")
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.pt")
    import tarfile

    with tarfile.open(tmp_path / "old.tar", "w") as tar:
        for name in ("pickle", "storages", "tensors"):
            (tmp_path / name).write_bytes(b"\x80\x02K\x00.")
            tar.add(tmp_path / name, arcname=name)
    for name in ("evil.pt", "noise.pt", "list.pt", "other.pt", "old.tar"):
        assert main(["import", str(tmp_path / name), "--genotype", "DARTS_V2", "--out", str(tmp_path / "run")]) == 2, (
            name
        )
        error = capsys.readouterr().err
        assert name in error
        assert error.count("\n") == 1
        assert len(error) < 500
    assert not (tmp_path / "PWNED").exists()
    assert not (tmp_path / "run").exists()
    path = save(original(make_lively), tmp_path / "weights.pt")
    assert main(["import", str(path)]) == 2
    assert "--genotype" in capsys.readouterr().err


def test_safe_reading_is_all_there_is(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(torch, "load", lambda *_, **options: asked.update(options) or {"a": torch.zeros(1)})
    read_weights(tmp_path / "x.pt")
    assert asked["weights_only"] is True


def test_a_test_measures_what_the_original_network_measures(make_lively, tmp_path):
    """Taken-over weights on images of the person's own: the accuracy is that of the independent network."""
    import numpy as np

    from engine.data import Normalization, load_data
    from engine.retrain.testing import run_test

    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 256, (300, 32, 32, 3), dtype=np.uint8), np.arange(300) % 10
    np.savez(tmp_path / "images.npz", images=images, labels=labels)
    network = original(make_lively).eval()
    found = import_weights(
        save(network, tmp_path / "w.pt"), named("DARTS_V2"), out=tmp_path / "run", data=f"npz:{tmp_path / 'images.npz'}"
    )
    mean, std = torch.tensor([0.49139968, 0.48215827, 0.44653124]), torch.tensor([0.24703233, 0.24348505, 0.26158768])
    plain = Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    test = load_data(found.folder.config(), torch.device("cpu"), splits=("test",), normalization=plain).splits["test"]
    pixels = test.images.float() / 255
    with torch.no_grad():
        logits = network((pixels - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1))[0]
    expected = 100 * float((logits.argmax(1) == test.labels).float().mean())

    measured = run_test(found.folder, device="cpu")

    assert measured["images"] == len(test.labels) > 20
    assert measured["accuracy_percent"] == pytest.approx(expected, abs=1e-4)
    assert measured["loss"] == pytest.approx(float(torch.nn.functional.cross_entropy(logits, test.labels)), rel=1e-5)


def test_files_that_ask_for_more_than_they_hold(make_lively, tmp_path):
    """Sparse, complex, and tensors that repeat a byte: a small file must not fill the memory."""
    good = original(make_lively).state_dict()
    weight = good["classifier.weight"]
    for number, other in enumerate((weight.to_sparse(), weight.to(torch.complex64), torch.zeros(1, 1).expand(10, 64))):
        torch.save(good | {"classifier.weight": other}, tmp_path / f"{number}.pt")
        with pytest.raises(RunError, match="no plain tensor under classifier"):
            read_weights(tmp_path / f"{number}.pt")


def test_claimed_sizes_cost_nothing(make_lively, tmp_path, monkeypatch):
    """A network of a hundred cells and a thousand channels is never built in memory to compare shapes with."""
    good = original(make_lively).state_dict()
    good |= {f"cells.{number}.x": torch.zeros(1) for number in range(100)} | {
        "stem.0.weight": torch.zeros(3072, 3, 3, 3)
    }
    torch.save(good, tmp_path / "big.pt")
    built = []
    import engine.export.original_weights as module

    build = module.build_network
    monkeypatch.setattr(module, "build_network", lambda *sizes: built.append(build(*sizes)) or built[-1])
    with pytest.raises(RunError, match="not the weights of this genotype"):
        import_weights(tmp_path / "big.pt", named("DARTS_V2"), out=tmp_path / "run")
    assert {parameter.device.type for parameter in built[0].parameters()} == {"meta"}
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("content", "says"), [(b"\x80\x02cposix\nsystem\n.", "code of posix.system"), (b"roses are red", "no weight file"), (b"", "no weight file")])  # fmt: skip
def test_refusals_are_one_short_sentence(tmp_path, content, says):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(RunError) as refusal:
        read_weights(tmp_path / "x.pt")
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "weights_only" not in str(refusal.value)
