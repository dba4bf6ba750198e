"""Every format, loaded in a process that cannot import nascope, gives the network's logits."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from elsewhere import elsewhere, expected_logits

from engine.cli import main
from engine.errors import GenotypeError, NascopeError
from engine.export import Options, fresh_network, trained_network, write_network
from engine.export.compare import refuse_other_logits
from engine.genotype import Cell, Edge, Genotype
from engine.genotype.named import named


def export(folder, *arguments):
    return main(["export", str(folder.path), *map(str, arguments)])


@pytest.fixture(scope="module")
def exported(write_trained_run, tmp_path_factory):
    """A folder with a network in every format, the network's logits for ``images.npy``, and what was said."""
    folder = tmp_path_factory.mktemp("exported")
    run, network = write_trained_run(folder / "run")
    for file in ("net.onnx", "net.pt2", "net.pt", "net.safetensors"):
        assert export(run, "-o", folder / file) == 0
    assert export(run, "--format", "module", "-o", folder / "net.py") == 0
    return folder, expected_logits(network, folder, (1, 8, 8))


LOADERS = """
sys.path.insert(0, ".")
import net, onnxruntime, torch
from safetensors.torch import load_file
found = [onnxruntime.InferenceSession("net.onnx").run(None, {"images": images})[0]]
tensor = torch.from_numpy(images)
found.append(torch.export.load("net.pt2").module()(tensor).detach().numpy())
for weights in (torch.load("net.pt", weights_only=True)["state_dict"], load_file("net.safetensors")):
    network = net.Network()
    network.load_state_dict(weights)
    found.append(network.eval()(tensor)[0].detach().numpy())
logits = np.stack(found)
"""


def test_every_format_elsewhere(exported):
    pytest.importorskip("onnxruntime")
    folder, expected = exported
    for format, logits in zip(
        ("onnx", "pt2", "module and torch", "module and safetensors"), elsewhere(folder, LOADERS), strict=True
    ):
        np.testing.assert_allclose(logits, expected, atol=1e-5, err_msg=format)
    assert not [file for file in folder.iterdir() if ".tmp" in file.name]


def test_onnx_in_its_own_slow_reference(exported):
    from onnx.reference import ReferenceEvaluator

    folder, expected = exported
    (found,) = ReferenceEvaluator(str(folder / "net.onnx")).run(None, {"images": np.load(folder / "images.npy")[:1]})
    np.testing.assert_allclose(found, expected[:1], atol=1e-5)


def test_metadata_tell_classes_normalization_and_cells(exported):
    import onnx
    from safetensors import safe_open

    tmp_path, _ = exported
    model = onnx.load(tmp_path / "net.onnx")
    texts = {entry.key: entry.value for entry in model.metadata_props}
    with safe_open(tmp_path / "net.safetensors", "pt") as file:
        stored = file.metadata()
    extra = {"nascope.json": ""}
    torch.export.load(tmp_path / "net.pt2", extra_files=extra)
    plain = torch.load(tmp_path / "net.pt", weights_only=True)
    for classes, normalization, genotype in (
        (*(json.loads(texts[key]) for key in ("classes", "normalization", "genotype")),),
        (*(json.loads(stored[key]) for key in ("classes", "normalization", "genotype")),),
        (*(json.loads(extra["nascope.json"])[key] for key in ("classes", "normalization", "genotype")),),
        (plain["classes"], plain["normalization"], plain["genotype"]),
    ):
        assert classes[3] == "digit 3"
        assert normalization == {"mean": [0.3], "std": [0.4]}
        assert genotype["name"] == "DARTS_V2"
    assert plain["network"] == {"network": "cifar", "channels": 4, "layers": 3, "classes": 10, "auxiliary": False, "image_channels": 1, "image_size": 8}  # fmt: skip
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param  # any number of images


def test_fixed_batch_and_normalization_inside(trained_run, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    folder, network = trained_run()
    assert export(folder, "-o", tmp_path / "net.onnx", "--batch", "2", "--with-normalization") == 0
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    assert session.get_inputs()[0].shape == [2, 1, 8, 8]
    pixels = torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        expected = network((pixels - 0.3) / 0.4)[0].numpy()
    np.testing.assert_allclose(session.run(None, {"images": pixels.numpy()})[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "kind", "sizes"),
    [
        *(
            (name, "cifar", {"channels": 4, "layers": 5})
            for name in ("NASNet", "AmoebaNet", "DARTS_V1", "PC_DARTS_cifar")
        ),
        ("PC_DARTS_image", "imagenet", {"channels": 4, "layers": 3, "classes": 12}),
        ("NASNet", "imagenet", {"channels": 4, "layers": 3, "classes": 12}),
    ],
)
def test_a_module_trains_as_the_network_does(make_lively, tmp_path, name, kind, sizes):
    """Equal start, equal random numbers: logits, auxiliary logits and every gradient are equal, drop path included."""
    source = fresh_network(named(name), kind, seed=7, **sizes)
    write_network(source, tmp_path / "net.py", "module")
    names = {"__name__": "net"}
    exec((tmp_path / "net.py").read_text(), names)
    torch.manual_seed(7)
    module, ours = names["Network"](), source.network
    for (own_name, own), (name_there, there) in zip(
        ours.state_dict().items(), module.state_dict().items(), strict=True
    ):
        assert own_name == name_there
        assert torch.equal(own, there), own_name
    make_lively(ours)
    module.load_state_dict(ours.state_dict())
    images = torch.randn(2, *source.input_shape)
    results = []
    for network in (ours, module):
        network.train()
        network.drop_path_probability = 0.4
        torch.manual_seed(11)
        logits, auxiliary = network(images)
        (logits.square().sum() + 0.4 * auxiliary.square().sum()).backward()
        results.append((logits, auxiliary, [parameter.grad for parameter in network.parameters()]))
    (logits, auxiliary, gradients), (logits_there, auxiliary_there, gradients_there) = results
    assert torch.equal(logits, logits_there)
    assert torch.equal(auxiliary, auxiliary_there)
    assert all(torch.equal(one, two) for one, two in zip(gradients, gradients_there, strict=True))


def test_a_module_has_the_published_size_and_says_so(tmp_path):
    assert main(["export", "DARTS_V2", "--format", "module", "-o", str(tmp_path / "net.py")]) == 0
    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "net.py")], cwd="/", capture_output=True, text=True, timeout=120
    )
    assert done.stdout.startswith("3,825,768 parameters")  # with the auxiliary head, counted on the original code
    text = (tmp_path / "net.py").read_text()
    assert "nascope" in text.split('"""')[1]
    assert "import engine" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_unusual_cells(make_lively, tmp_path):
    """Many inputs, ``none``, odd sizes, states left out of the concat."""
    pool, none, skip = "avg_pool_3x3", "none", "skip_connect"
    nodes = (
        (Edge(none, 0),),
        tuple(Edge(name, state) for name in (pool, skip, "dil_conv_5x5", "conv_7x1_1x7") for state in (0, 1)),
    )
    genotype = Genotype(Cell(nodes, (3,)), Cell(nodes, (3, 2)), name='odd """ \\ name\n')
    source = fresh_network(genotype, channels=4, layers=3, image_size=9, auxiliary=False)
    make_lively(source.network)
    assert write_network(source, tmp_path / "net.py", "module").difference < 1e-6


def test_class_names_and_titles_of_any_kind(make_lively, tmp_path):
    """Names as folders and people have them: long, with blanks, quotes, braces, bytes that are no UTF-8."""
    names = tuple(f"great white  shark {n} {{x}} 'a' \"b\" \\ \n ü \udce9" for n in range(12))
    cell = Cell(((Edge("skip_connect", 0), Edge("none", 1)),), (2,))
    source = fresh_network(Genotype(cell, cell, name='"quoted" \0 \udce9 {title}'), channels=4, layers=3, auxiliary=False, classes=12)  # fmt: skip
    source = replace(source, class_names=names, origin='trained on image-folder:/data/\udce9 "x" """')
    write_network(source, tmp_path / "net.py", "module")
    there = {"__name__": "net"}
    exec((tmp_path / "net.py").read_text(), there)
    assert there["CLASS_NAMES"] == names


def test_own_primitives_have_no_source_to_write(tmp_path):
    cell = Cell(((Edge("my_own", 0),),), (2,))
    with pytest.raises(GenotypeError, match="my_own"):
        fresh_network(Genotype(cell, cell), channels=4, layers=3)


def test_weights_are_those_that_a_test_measures(trained_run, tmp_path):
    import shutil

    folder, network = trained_run()
    shutil.copy(folder.path / "checkpoint-last.pt", folder.path / "checkpoint-best.pt")
    content = torch.load(folder.path / "checkpoint-best.pt", weights_only=True)
    content["trainer"]["weights"]["classifier.bias"] += 1.0
    torch.save(content, folder.path / "checkpoint-best.pt")
    found = trained_network(folder).network
    assert torch.allclose(found.classifier.bias, network.classifier.bias + 1.0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["DARTS_V2", "--format", "onnx"], "--fresh-weights"),
        (["DARTS_V2", "--format", "torch"], "retrain"),
        (["DARTS_V2", "--format", "json", "--channels", "8"], "--channels"),
        (["DARTS_V2", "--format", "tensorflow"], "no export format"),
        (["DARTS_V2", "--format", "onnx", "--fresh-weights", "--batch", "many"], "--batch"),
        (["DARTS_V2", "--format", "onnx", "--fresh-weights", "--with-normalization"], "normalize"),
        (["DARTS_V2", "--format", "module", "--batch", "3"], "--batch"),
        (["DARTS_V2", "--format", "module", "--input", "64"], "auxiliary"),
        (["DARTS_V2", "--format", "module", "-o", "/no/such/folder/net.py"], "cannot be written"),
    ],
)
def test_refusals(arguments, says, capsys):
    assert main(["export", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_retraining_without_an_epoch_and_one_with_sizes(trained_run, tmp_path, capsys):
    folder, _ = trained_run(epochs_ended=0)
    assert export(folder, "-o", tmp_path / "net.onnx") == 2
    assert "no epoch" in capsys.readouterr().err
    assert export(folder, "--format", "torch", "--channels", "8") == 2
    assert "sizes of its own" in capsys.readouterr().err


def test_a_failure_leaves_the_old_file(trained_run, tmp_path, monkeypatch):
    folder, _ = trained_run()
    (tmp_path / "net.onnx").write_text("the old one")
    monkeypatch.setattr("engine.export.program_file.torch.export.load", lambda path: None)
    with pytest.raises(AttributeError):
        write_network(trained_network(folder), tmp_path / "net.onnx", "pt2")
    assert (tmp_path / "net.onnx").read_text() == "the old one"
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["net.onnx"]


def test_a_missing_library_is_named(trained_run, tmp_path, monkeypatch, capsys):
    folder, _ = trained_run()
    monkeypatch.setattr("engine.export.write.importlib.util.find_spec", lambda name: None)
    assert export(folder, "-o", tmp_path / "net.onnx") == 2
    assert "pip install onnx" in capsys.readouterr().err


def test_binary_formats_are_not_for_terminals(trained_run, monkeypatch, capsys):
    folder, _ = trained_run()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert export(folder, "--format", "torch") == 2
    assert "-o" in capsys.readouterr().err


def test_other_logits_are_refused():
    logits = torch.ones(2, 3)
    assert refuse_other_logits(logits, logits + 1e-5, "x") == pytest.approx(1e-5, rel=0.1)
    for other in (logits + 0.1, torch.full((2, 3), float("nan")), torch.ones(1, 3)):
        with pytest.raises(NascopeError):
            refuse_other_logits(logits, other, "x")


def test_options_default_to_any_number_of_images():
    assert Options().batch is None
