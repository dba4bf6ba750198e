"""A sub-network of a two-stage space, out of nascope: every format computes what the network computes."""

import ast
import dataclasses
import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from elsewhere import elsewhere, expected_logits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cli import main
from engine.export import ExportedSubnet, cut_out_network, fresh_subnet, trained_network, write_network
from engine.export.subnet_module import subnet_module_text
from engine.networks import SubnetNetwork
from engine.subnets import named_subnets, space_named
from engine.subnets.architecture import biggest, smallest
from engine.subnets.sample import mutate


def _beside(place):
    path = Path(__file__).parents[1] / place
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


two_stage_run = _beside("retrain/two_stage_run.py")
sub_networks = _beside("two_stage/sub_networks.py")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return two_stage_run.trained(tmp_path_factory.mktemp("two-stage") / "run")


def export(*arguments):
    return main(["export", *map(str, arguments)])


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
    found.append(network.eval()(tensor).detach().numpy())
logits = np.stack(found)
"""


def test_every_format_of_a_cut_out_network_elsewhere(run, tmp_path):
    """Images of 8 pixels, which the network resizes to 11 inside; batch norms are calibrated ones."""
    pytest.importorskip("onnxruntime")
    for file in ("net.onnx", "net.pt2", "net.pt", "net.safetensors"):
        assert export(run.path, "--subnet", "biggest", "-o", tmp_path / file) == 0
    assert export(run.path, "--subnet", "biggest", "--format", "module", "-o", tmp_path / "net.py") == 0
    network = cut_out_network(run, biggest(two_stage_run.TINY)).network
    expected = expected_logits(network, tmp_path, (1, 8, 8))

    for format, logits in zip(
        ("onnx", "pt2", "module and torch", "module and safetensors"), elsewhere(tmp_path, LOADERS), strict=True
    ):
        np.testing.assert_allclose(logits, expected, atol=1e-5, err_msg=format)

    means = [value for name, value in network.state_dict().items() if name.endswith("running_mean")]
    assert all(value.abs().max() > 0 for value in means)
    plain = torch.load(tmp_path / "net.pt", weights_only=True)
    assert plain["architecture"]["depth"] == [2, 2]
    assert plain["input_shape"] == [1, 8, 8]
    assert plain["network"] == {"network": "subnet", "space": "tiny", "resolution": 11, "classes": 10, "image_channels": 1, "image_size": 8}  # fmt: skip
    assert "cut out of a supernet" in plain["weights"]
    assert plain["normalization"]["mean"] == pytest.approx([0.305], abs=0.02)  # of digits / 16


def test_an_exported_network_normalizes_pixels_itself(run, tmp_path):
    source = cut_out_network(run, smallest(two_stage_run.TINY))
    (mean,), (std,) = source.normalization
    assert export(run.path, "--subnet", "smallest", "-o", tmp_path / "net.pt2", "--with-normalization") == 0
    pixels = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        expected = source.network((pixels - mean) / std)[0]
        found = torch.export.load(tmp_path / "net.pt2").module()(pixels)

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


# -- the module -------------------------------------------------------------------------------------------------------


def assert_trains_as(source, text, images, seed=7):
    """Equal start, equal random numbers: weights, logits and every gradient are equal, dropout and drop connect included."""
    names = {"__name__": "net"}
    exec(text, names)
    torch.manual_seed(seed)
    module = names["Network"]()
    torch.manual_seed(seed)
    ours = SubnetNetwork(
        source.architecture, dropout=source.network.dropout, drop_connect=0.5, drop_connect_stages="all",
        initialization=source.initialization, zero_gamma=source.zero_gamma,
    )  # fmt: skip
    assert list(ours.state_dict()) == list(module.state_dict())
    for (name, own), there in zip(ours.state_dict().items(), module.state_dict().values(), strict=True):
        assert torch.equal(own, there), name

    sub_networks.randomize(source.network.double())
    module.double().load_state_dict(source.network.state_dict())
    results = []
    for network in (source.network, module):
        network.train()
        torch.manual_seed(11)
        output = network(images)
        logits = output[0] if isinstance(output, tuple) else output
        logits.square().sum().backward()
        results.append((logits, [parameter.grad for parameter in network.parameters()]))
    (logits, gradients), (logits_there, gradients_there) = results
    assert torch.equal(logits, logits_there)
    assert all(torch.equal(one, two) for one, two in zip(gradients, gradients_there, strict=True))


def made(architecture, **changes):
    network = SubnetNetwork(
        architecture, dropout=changes.pop("dropout", 0.3), drop_connect=0.5, drop_connect_stages="all"
    )
    source = fresh_subnet(
        architecture, **{name: changes.pop(name) for name in ("image_size", "image_channels") if name in changes}
    )
    return dataclasses.replace(source, network=network, **changes)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.data(), st.sampled_from(("default", "he-fan-out")), st.booleans(), st.sampled_from((1, 3)), st.booleans(), st.sampled_from((0.0, 0.3))
)  # fmt: skip
def test_a_module_trains_as_the_network_does_and_has_no_dead_line(
    data, initialization, zero_gamma, channels, resizes, dropout
):
    """Any network of any small space: odd sides, strides up to 4, both heads, with and without squeeze-and-excitation."""
    space = data.draw(sub_networks.spaces())
    architecture = data.draw(sub_networks.architectures(space))
    source = made(
        architecture, initialization=initialization, zero_gamma=zero_gamma, image_channels=channels, dropout=dropout,
        image_size=architecture.resolution + 3 * resizes,
    )  # fmt: skip
    text = subnet_module_text(source)
    images = torch.randn(4, *source.input_shape, dtype=torch.float64)

    assert_trains_as(source, text, images)

    assert_every_line_runs(text, images.float())
    assert max(map(len, text.splitlines())) <= 120
    assert ("F.interpolate" in text) == resizes


def assert_every_line_runs(text, images):
    """Building it and one training pass execute every statement of the file, but for its main part."""
    code, ran = compile(text, "exported.py", "exec"), set()

    def watch(frame, event, argument):
        if frame.f_code.co_filename != "exported.py":
            return None
        ran.add(frame.f_lineno)
        return watch

    names = {"__name__": "net"}
    before = sys.gettrace()
    sys.settrace(watch)
    try:
        exec(code, names)
        names["Network"]()(images)
    finally:
        sys.settrace(before)
    tree = ast.parse(text)
    main = next(node for node in tree.body if isinstance(node, ast.If))
    statements = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    }
    dead = sorted(line for line in statements - ran if line < main.lineno)
    assert not dead, [text.splitlines()[line - 1] for line in dead]


PUBLISHED = {
    "A0": 8_954_184, "A1": 9_452_872, "A2": 11_149_824, "A3": 12_784_928, "A4": 11_809_640, "A5": 12_597_464, "A6": 15_154_792,
}  # fmt: skip


def test_published_networks_have_the_sizes_that_the_original_code_counts():
    """Its shortcuts that no pass uses are left out."""
    for name, parameters in PUBLISHED.items():
        source = fresh_subnet(named_subnets()[f"AttentiveNAS-{name}"].architecture)
        names = {"__name__": "net"}
        exec(subnet_module_text(source), names)
        assert sum(weight.numel() for weight in names["Network"]().parameters()) == parameters, name


def test_a_module_is_a_program_that_says_its_size(tmp_path):
    assert export("AttentiveNAS-A0", "--format", "module", "-o", tmp_path / "net.py") == 0

    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "net.py")], cwd="/", capture_output=True, text=True, timeout=120
    )

    assert done.stdout == "8,954,184 parameters, logits of shape (2, 1000)\n"
    text = (tmp_path / "net.py").read_text()
    assert "import engine" not in text
    assert text.startswith('"""AttentiveNAS-A0')


def test_sizes_of_a_network_that_is_not_trained(tmp_path):
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"architecture": biggest(space_named("laptop")).as_json()}))

    assert (
        export(record, "--format", "torch", "--fresh-weights", "--classes", 7, "--input", 28, "-o", tmp_path / "net.pt")
        == 0
    )

    plain = torch.load(tmp_path / "net.pt", weights_only=True)
    assert plain["state_dict"]["classifier.weight"].shape == (7, 128)
    assert (plain["input_shape"], plain["architecture"]["classes"]) == ([3, 28, 28], 7)


# -- what is exported -------------------------------------------------------------------------------------------------


def test_json_is_the_record(run, capsys):
    assert export("AttentiveNAS-A0") == 0
    assert json.loads(capsys.readouterr().out) == named_subnets()["AttentiveNAS-A0"].architecture.as_json()
    assert export(run.path, "--subnet", "biggest", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == biggest(two_stage_run.TINY).as_json()


def test_a_picture_of_a_sub_network(tmp_path):
    assert export("AttentiveNAS-A0", "-o", tmp_path / "net.svg") == 0
    assert "AttentiveNAS-A0" in (tmp_path / "net.svg").read_text()


def test_the_training_of_a_sub_network_is_exported_as_it_was_trained(run, tmp_path):
    """Its dropout and drop connect are in the module, its weights in the files."""
    out = tmp_path / "run"
    assert main(["retrain", str(run.path), "--subnet", "biggest", "--epochs", "1", "--set", "drop_connect=0.4", "--set", "dropout=0.1",
                 "--set", "threads=1", "--device", "cpu", "--out", str(out), "--json"]) == 0  # fmt: skip
    from engine.runs import RunFolder

    source = trained_network(RunFolder(out))
    assert isinstance(source, ExportedSubnet)
    written = write_network(source, tmp_path / "net.py", "module")

    assert written.difference == 0
    text = (tmp_path / "net.py").read_text()
    assert "DROPOUT = 0.1" in text
    assert "drop_connect=0.3" in text  # the last of four blocks: 3 / 4 of 0.4
    assert export(out, "-o", tmp_path / "record.json") == 0
    assert json.loads((tmp_path / "record.json").read_text())["depth"] == [2, 2]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["AttentiveNAS-A0", "--format", "onnx"], "--fresh-weights"),
        (["AttentiveNAS-A0", "--format", "text"], "for cells"),
        (["AttentiveNAS-A0", "--format", "module", "--channels", "8"], "--channels"),
        (["AttentiveNAS-A0", "--format", "module", "--network", "cifar"], "--network"),
        (["AttentiveNAS-A0", "--format", "json", "--classes", "8"], "--classes"),
        (["AttentiveNAS-A0", "--subnet", "biggest"], "no two-stage run"),
        (["RUN"], "--subnet"),
        (["RUN", "--subnet", "huge"], "no such sub-network"),
        (["RUN", "--subnet", "01234567"], "nascope select"),
        (["RUN", "--subnet", "AttentiveNAS-A0"], "space"),
        (["RUN", "--subnet", "biggest", "--format", "torch", "--classes", "8"], "sizes of its own"),
    ],
)
def test_refusals(run, arguments, says, capsys):
    assert export(*(run.path if word == "RUN" else word for word in arguments)) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_fresh_network_is_the_same_from_one_seed():
    architecture = mutate(smallest(space_named("laptop")), 0.5, random.Random(1))
    first, second = (fresh_subnet(architecture, seed=4).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
