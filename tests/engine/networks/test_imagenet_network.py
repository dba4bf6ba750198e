"""The network for ImageNet: sizes and counts to the digit, its stem, its head, and which images get it."""

import pytest
import torch
from torch import nn

from engine.config import check, network_kind, read_config_file, resolve
from engine.errors import ConfigError
from engine.genotype.named import named
from engine.networks import CifarNetwork, ImageNetNetwork, build_network, parameter_count
from engine.networks.auxiliary import ImageNetAuxiliaryHead

NAMES = ("NASNet", "AmoebaNet", "DARTS_V1", "DARTS_V2", "PC_DARTS_cifar", "PC_DARTS_image", "PDARTS",
         "BETA_DARTS_repo_genotype")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_network_of_a_named_genotype_is_as_large_as_the_original(name, goldens):
    golden = goldens["network_sizes"][name]["imagenet_c48_l14"]
    macs = []

    network = ImageNetNetwork(named(name), 48, 1000, 14, auxiliary=True).to("meta")

    assert parameter_count(network, include_auxiliary=True) == golden["params_with_aux"]
    assert parameter_count(network) == golden["params_no_aux"]
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(lambda layer, _, out: macs.append(out.numel() * layer.weight[0].numel()))
    network.eval()(torch.empty(1, 3, 224, 224, device="meta"))
    assert sum(macs) == golden["macs_224x224"]


def test_head_is_as_large_as_the_original_and_has_no_second_norm(goldens):
    head = ImageNetAuxiliaryHead(768, 1000, 7)

    assert parameter_count(head) == goldens["network_sizes_more"]["auxiliary_head_imagenet"]
    assert [type(layer).__name__ for layer in head.features] == [
        "ReLU", "AvgPool2d", "Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "ReLU",
    ]  # fmt: skip


def test_stem_gives_a_quarter_and_an_eighth_and_leaves_the_first_output_alone():
    network = ImageNetNetwork(named("DARTS_V2"), 8, 5, 4)
    images = torch.randn(2, 3, 64, 64)

    before_last, last = network.stem(images)

    assert before_last.shape == (2, 8, 16, 16)
    assert last.shape == (2, 8, 8, 8)
    assert (before_last < 0).any()
    assert type(network.cells[0].preprocess0).__name__ == "FactorizedReduce"
    assert type(network.cells[1].preprocess0).__name__ == "ReLUConvBN"


@pytest.mark.parametrize(("image_size", "feature_size"), [(193, 7), (224, 7), (225, 8), (256, 8)])
def test_auxiliary_head_fits_these_sizes(image_size, feature_size):
    network = ImageNetNetwork(named("PDARTS"), 2, 3, 3, auxiliary=True, image_size=image_size, image_channels=1)
    seen = []
    network.auxiliary_head.register_forward_pre_hook(lambda head, inputs: seen.append(inputs[0].shape[-1]))

    logits, auxiliary = network(torch.randn(2, 1, image_size, image_size))

    assert seen == [feature_size]
    assert logits.shape == auxiliary.shape == (2, 3)


@pytest.mark.parametrize(("image_size", "feature_size"), [(64, 2), (192, 6), (257, 9)])
def test_other_sizes_have_no_head_but_logits(image_size, feature_size):
    with pytest.raises(
        ConfigError, match=rf"auxiliary: .* 7 to 8 .*found {feature_size}\. Turn auxiliary off.*193 to 256"
    ):
        ImageNetNetwork(named("PDARTS"), 2, 3, 4, auxiliary=True, image_size=image_size)

    network = ImageNetNetwork(named("PDARTS"), 2, 3, 3, image_size=image_size)
    assert network.eval()(torch.randn(1, 3, image_size, image_size))[0].shape == (1, 3)


# -- which network --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "image_size", "kind"),
    [("auto", 32, "cifar"), ("auto", 127, "cifar"), ("auto", 128, "imagenet"), ("auto", 224, "imagenet"),
     ("cifar", 224, "cifar"), ("imagenet", 32, "imagenet")],
)  # fmt: skip
def test_large_images_get_the_network_for_imagenet_unless_said(setting, image_size, kind):
    assert network_kind(setting, image_size) == kind


def test_a_configuration_builds_its_network():
    config = resolve("retrain", data="cifar10", values={
        "genotype": named("DARTS_V1").as_json(), "channels": 4, "layers": 3, "auxiliary": False,
    })  # fmt: skip

    assert isinstance(build_network(config, 10, 3, 32), CifarNetwork)
    assert isinstance(build_network(config, 10, 3, 160), ImageNetNetwork)


def test_a_run_from_before_the_setting_keeps_the_network_for_small_images():
    values = resolve("retrain", data="cifar10", values={
        "genotype": named("DARTS_V1").as_json(), "channels": 4, "layers": 3, "auxiliary": False, "image_size": 160,
    }).model_dump()  # fmt: skip
    assert isinstance(build_network(check("retrain", values), 10, 3, 160), ImageNetNetwork)

    del values["network"]

    assert isinstance(build_network(check("retrain", values), 10, 3, 160), CifarNetwork)


def test_a_file_of_such_a_run_says_so_for_a_new_run(tmp_path):
    file = tmp_path / "config.json"
    file.write_text('{"kind": "search", "image_size": 160, "versions": {"nascope": "0.1.0"}}', encoding="utf-8")
    assert read_config_file(file)["network"] == "cifar"

    file.write_text('{"image_size": 160}', encoding="utf-8")
    assert "network" not in read_config_file(file)
