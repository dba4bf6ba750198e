"""The papers' protocols as data: for how long, on which scale and at which rates, each value with its source.

A **method** (``engine.config.presets``) is a setting of the switches; a **protocol** one of sizes and rates, as the
public code of a paper has them. Sources name files of quark0/darts (f276dd3), yuhuixu1993/PC-DARTS (b74702f) and
Sunshine-Ye/Beta-DARTS (f307704).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

CIFAR = ("cifar10", "cifar100")
IMAGENET = ("imagenet",)


@dataclass(frozen=True)
class SourcedValue:
    """One value of a protocol and the file or section that it is from."""

    name: str
    value: Any
    source: str


@dataclass(frozen=True)
class PaperProtocol:
    """Sizes and rates of one kind of run.

    Attributes:
        kind: of run.
        methods: names of the methods that it is for; of a retraining those that found the cells. The first is the one
            whose paper it is from.
        data: names of the data sets that it was made for.
        source: where the values are from, but for those that ``sources`` names.
        values: by the names of settings.
        switches: values that belong to the method of the paper and to no other.
        departs: what differs from the paper or its public code, and why; one sentence or two each.
    """

    kind: Literal["search", "retrain", "two-stage", "subnet"]
    methods: tuple[str, ...]
    data: tuple[str, ...]
    source: str
    values: Mapping[str, Any]
    sources: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)
    departs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """For example «search on cifar10, cifar100: darts, darts-v2»; of a retraining the methods are the cells'."""
        whose = ", ".join(self.methods)
        told = {"retrain": f"cells of {whose}", "subnet": f"sub-networks of {whose}"}.get(self.kind, whose)
        return f"{self.kind} on {', '.join(self.data)}: {told}"

    def sourced(self) -> tuple[SourcedValue, ...]:
        """Every value with its source, switches last."""
        values = {**self.values, **self.switches}
        return tuple(SourcedValue(name, value, self.sources.get(name, self.source)) for name, value in values.items())


_NO_HELD_OUT = "the script holds no images out"
_HALVES = (
    "The two halves of the training images have the same share of each class; the scripts cut the file order in the "
    "middle, which is fair only because CIFAR's files are shuffled."
)
_ALPHA_BATCHES = (
    "Each image of the alphas' half comes once an epoch; the DARTS script and PC-DARTS' for CIFAR shuffle anew at every step, so that images "
    "come with replacement."
)
_FINAL_CELL = "The cell is read after the last epoch; the scripts print it at the start of each, before its updates."
_CLEAN_VALIDATION = (
    "The alphas' half is measured without augmentation after every epoch; the scripts send it through the training's."
)
_LAST_EVALUATION = "The script measures the alphas' half in the last epoch only."
_SEARCH_DEPARTS = (_HALVES, _ALPHA_BATCHES, _FINAL_CELL, _CLEAN_VALIDATION)
_TEST_ONCE = (
    "Only nascope test touches the test images, with the last epoch's weights. The script looks at them every epoch "
    "and calls them valid"
)
_FLAGS = "The auxiliary head and cutout are on, as in the README's command; the script leaves both off unless they are asked for."
_NO_PAPER = "No paper has such a search"
_HUE = "Hue changes by up to half of color_jitter, 0.2 here, as in the script."
_COLOURS = (
    "Brightness, contrast, saturation and hue change in this order, where torchvision draws an order for each image."
)
_PICTURES = (
    "Pictures are turned upright by their EXIF orientation, and large JPEG files are reduced as they are decoded, to twice the "
    "wanted size or more; the scripts do neither."
)
_SHARES = (
    "Batch norm sees the share of one process, as it saw that of one GPU in the paper's runs: all 1024 images where there is one "
    "process."
)

_DARTS_SEARCH: Mapping[str, Any] = {
    "epochs": 50, "batch_size": 64, "channels": 16, "layers": 8, "learning_rate": 0.025, "learning_rate_min": 0.001,
    "momentum": 0.9, "weight_decay": 3e-4, "gradient_clip": 5.0, "alpha_learning_rate": 3e-4, "alpha_weight_decay": 1e-3,
    "train_portion": 0.5, "validation_portion": 0.0, "cutout": 0, "seed": 2,
}  # fmt: skip
_PC_DARTS_SUBSET: Mapping[str, Any] = {"limit_portion": 0.125, "train_portion": 0.8}
_SUBSET_SOURCE = "PC-DARTS section 4.3: of each class 10 % of the images for the weights, 2.5 % for the alphas"
_CIFAR_RETRAIN: Mapping[str, Any] = {
    "epochs": 600, "batch_size": 96, "channels": 36, "layers": 20, "learning_rate": 0.025, "learning_rate_schedule": "cosine",
    "learning_rate_min": 0.0, "momentum": 0.9, "weight_decay": 3e-4, "gradient_clip": 5.0, "drop_path": 0.2, "auxiliary": True,
    "auxiliary_weight": 0.4, "cutout": 16, "label_smoothing": 0.0, "validation_portion": 0.0, "seed": 0,
}  # fmt: skip
_IMAGENET_RETRAIN: Mapping[str, Any] = {
    "epochs": 250, "batch_size": 128, "channels": 48, "layers": 14, "learning_rate": 0.1,
    "learning_rate_schedule": "exponential", "learning_rate_decay": 0.97, "learning_rate_min": 0.0, "momentum": 0.9, "weight_decay": 3e-5,
    "gradient_clip": 5.0, "drop_path": 0.0, "auxiliary": True, "auxiliary_weight": 0.4, "cutout": 0, "label_smoothing": 0.1,
    "color_jitter": 0.4, "validation_portion": 0.0, "seed": 0,
}  # fmt: skip
_TWO_STAGE_CODE = "AttentiveNAS configs/train_attentive_nas_models.yml and train_attentive_nas.py"
_TWO_STAGE: Mapping[str, Any] = {
    "epochs": 360, "batch_size": 2048, "learning_rate": 0.8, "learning_rate_schedule": "cosine", "learning_rate_min": 0.0,
    "learning_rate_warmup_epochs": 5, "momentum": 0.9, "nesterov": True, "optimizer": "sgd", "weight_decay": 1e-5, "gradient_clip": 1.0,
    "gradient_clip_by": "value", "label_smoothing": 0.1, "dropout": 0.2, "drop_connect": 0.2, "drop_connect_stages": "last-two",
    "image_size": 224, "auto_augment": True, "cutout": 0, "validation_portion": 0.02, "calibration_images": 4096,
    "calibration_batch_size": 256, "seed": 0,
}  # fmt: skip
_BIGNAS: Mapping[str, Any] = {
    **_TWO_STAGE, "batch_size": 4096, "optimizer": "rmsprop", "learning_rate": 0.256, "learning_rate_schedule": "exponential",
    "learning_rate_decay": 0.97, "learning_rate_decay_epochs": 2.4, "learning_rate_floor": 0.05, "drop_connect_stages": "all",
}  # fmt: skip
# AttentiveNAS' rate for 256 images; two thirds of the epochs that DARTS retrains for.
_CIFAR_TWO_STAGE: Mapping[str, Any] = {
    "epochs": 400, "batch_size": 256, "learning_rate": 0.1, "learning_rate_min": 0.0, "learning_rate_warmup_epochs": 5, "momentum": 0.9,
    "weight_decay": 1e-5, "gradient_clip": 1.0, "label_smoothing": 0.1, "image_size": 32, "cutout": 16, "validation_portion": 0.1,
    "calibration_images": 4096, "calibration_batch_size": 256, "seed": 0,
}  # fmt: skip
_HELD_OUT = (
    "nascope: sub-networks are chosen on held-out training images; the papers choose on the images that they report"
)
_LINEAR_RULE = "AttentiveNAS' rate for 256 images"
_CALIBRATION_SOURCE = "nascope: these stay in memory while networks are compared"
_TWO_STAGE_PICTURES = (
    "Batch-norm statistics are measured on 4,096 images; the code takes 8,192 while it searches and 16,384 for a published network "
    "(calibration_images; above 7,100 of 224 pixels they are read anew for each network).",
    "Images are resized bilinearly with antialiasing before they come to the network; the code's crops are bicubic.",
    _PICTURES,
)
_TWO_STAGE_DEPARTS = (
    "Sub-networks are chosen on images held out from training, and tested once; the papers choose on ImageNet's validation images, which "
    "they also report.",
    "A batch norm sees the share of one process, as in AttentiveNAS' runs that of one GPU (sync_batch_norm joins them).",
    "Random choices are functions of seed and step, so that a resume is the same training.",
)
_README_FLAGS = {"auxiliary": "DARTS README: --auxiliary", "cutout": "DARTS README: --cutout, of 16"}
_OTHERS = ("darts", "darts-v2", "beta-darts", "random")

PROTOCOLS: tuple[PaperProtocol, ...] = (
    PaperProtocol(
        "search", ("darts", "darts-v2"), CIFAR, "DARTS train_search.py", _DARTS_SEARCH,
        {"epochs": "DARTS section 3.1", "validation_portion": _NO_HELD_OUT},
        departs=(*_SEARCH_DEPARTS, "The script takes CIFAR-10; CIFAR-100 has the same settings here, and its own mean and deviation."),
    ),
    PaperProtocol(
        "search", ("pc-darts",), CIFAR, "PC-DARTS train_search.py",
        {**_DARTS_SEARCH, "batch_size": 256, "learning_rate": 0.1, "learning_rate_min": 0.0, "alpha_learning_rate": 6e-4},
        {"validation_portion": _NO_HELD_OUT}, {"partial_channels": 4, "edge_normalization": True, "warmup_epochs": 15},
        (*_SEARCH_DEPARTS, _LAST_EVALUATION,
         "learning_rate_min is that of the main folder; the variant for PyTorch 1.0 (V100_python1.0) stops at 0.001.",
         "CIFAR-100 is normalized by its own mean and deviation, not by those of CIFAR-10."),
    ),
    PaperProtocol(
        "search", ("beta-darts",), CIFAR, "DARTS train_search.py",
        _DARTS_SEARCH, {"beta_decay": "Beta-DARTS nasbench201/train_search.py and optimizers/darts/architect.py", "validation_portion": _NO_HELD_OUT},
        {"beta_decay": 50.0},
        (*_SEARCH_DEPARTS,
         "The public code searches NAS-Bench-201 (5 operations, 100 epochs, one alpha tensor); sizes and rates of the DARTS space are the DARTS "
         "script's, and the two kinds of cells add up, each with the scale of that code.",
         "The regularizer's weight grows to 50 over the epochs of the run; in the code it is 50·e/100 whatever their number.",
         "The alphas' weight decay of 1e-3 stays on beside it, as in the code."),
    ),
    PaperProtocol(
        "search", ("random",), (*CIFAR, *IMAGENET), "DARTS train_search.py", {"seed": 2},
        departs=("Draws a cell and trains nothing, so sizes and rates have no effect.",),
    ),
    PaperProtocol(
        "search", ("pc-darts",), IMAGENET, "PC-DARTS train_search_imagenet.py",
        {**_DARTS_SEARCH, **_PC_DARTS_SUBSET, "batch_size": 1024, "learning_rate": 0.5, "learning_rate_min": 0.0, "learning_rate_warmup_epochs": 5,
         "alpha_learning_rate": 6e-3, "alpha_gradient_clip": 5.0},
        {**dict.fromkeys(_PC_DARTS_SUBSET, _SUBSET_SOURCE), "validation_portion": _NO_HELD_OUT},
        {"partial_channels": 2, "edge_normalization": True, "warmup_epochs": 35},
        ("The subset is drawn from each class by the seed and can be kept in an index_file; the paper's was sampled beforehand and is not public.",
         "The learning rate warms up at any batch size; the script does so only where a batch has more than 256 images.",
         "batch_size counts the images of all processes together, as the script's counts those of all GPUs.",
         _SHARES, _PICTURES,
         "The public code computes each mixed operation twice; once is the same function.",
         _FINAL_CELL, "The alphas' part is measured without augmentation after every epoch; the script does so from epoch 47 on, through the training's."),
    ),
    PaperProtocol(
        "search", ("darts", "darts-v2", "beta-darts"), IMAGENET, "DARTS train_search.py, of its search on CIFAR-10",
        {**_DARTS_SEARCH, **_PC_DARTS_SUBSET},
        {**dict.fromkeys(_PC_DARTS_SUBSET, _SUBSET_SOURCE), "validation_portion": _NO_HELD_OUT},
        departs=(f"{_NO_PAPER}: DARTS and Beta-DARTS move cells found on CIFAR-10 to ImageNet. The nearest: their sizes and rates on "
                 "CIFAR-10, on PC-DARTS' subset and stem.", *_SEARCH_DEPARTS),
    ),
    PaperProtocol(
        "retrain", _OTHERS, CIFAR, "DARTS train.py", _CIFAR_RETRAIN, {**_README_FLAGS, "validation_portion": _NO_HELD_OUT},
        departs=(_FLAGS, f"{_TEST_ONCE}.", "Beta-DARTS' train.py is the same with both flags always on."),
    ),
    PaperProtocol(
        "retrain", ("pc-darts",), CIFAR, "PC-DARTS train.py", {**_CIFAR_RETRAIN, "drop_path": 0.3},
        {"auxiliary": "PC-DARTS README: --auxiliary", "cutout": "PC-DARTS README: --cutout, of 16", "validation_portion": _NO_HELD_OUT},
        departs=(_FLAGS, f"{_TEST_ONCE}, and reports the best of them.",
                 "CIFAR-100 is normalized by its own mean and deviation, not by those of CIFAR-10."),
    ),
    PaperProtocol(
        "retrain", _OTHERS, IMAGENET, "DARTS train_imagenet.py", _IMAGENET_RETRAIN,
        {"auxiliary": "DARTS README: --auxiliary", "validation_portion": _NO_HELD_OUT},
        departs=("The auxiliary head is on, as in the README's command.", f"{_TEST_ONCE}, and keeps the best.", _HUE, _COLOURS, _PICTURES),
    ),
    PaperProtocol(
        "retrain", ("pc-darts",), IMAGENET, "PC-DARTS train_imagenet.py",
        {**{name: value for name, value in _IMAGENET_RETRAIN.items() if name != "learning_rate_decay"},
         "batch_size": 1024, "learning_rate": 0.5, "learning_rate_schedule": "linear", "learning_rate_warmup_epochs": 5},
        {"auxiliary": "PC-DARTS README: --auxiliary", "validation_portion": _NO_HELD_OUT},
        departs=("The auxiliary head is on, as in the README's command.", f"{_TEST_ONCE}, and keeps the best.", _HUE, _COLOURS, _PICTURES, _SHARES,
                 "The learning rate warms up at any batch size; the script does so only where a batch has more than 256 images.",
                 "The schedule is the script's default, linear; its other one is learning_rate_schedule=cosine."),
    ),
    PaperProtocol(
        "two-stage", ("attentive-nas",), IMAGENET, _TWO_STAGE_CODE, _TWO_STAGE,
        {"validation_portion": _HELD_OUT, "calibration_images": _CALIBRATION_SOURCE},
        {"sampling": "best-up", "candidates": 3, "score": "loss", "initialization": "default"},
        (*_TWO_STAGE_DEPARTS, *_TWO_STAGE_PICTURES, "The paper trained on 64 GPUs of 32 images each; batch_size counts the images of all processes together."),
    ),
    PaperProtocol(
        "two-stage", ("bignas",), IMAGENET, "BigNAS section 4 (its code is not public)", _BIGNAS,
        {"validation_portion": _HELD_OUT, "auto_augment": _TWO_STAGE_CODE, "gradient_clip": _TWO_STAGE_CODE,
         "gradient_clip_by": _TWO_STAGE_CODE, "calibration_images": _CALIBRATION_SOURCE, "calibration_batch_size": _TWO_STAGE_CODE,
         "learning_rate_warmup_epochs": _TWO_STAGE_CODE, "epochs": "not told by the paper; AttentiveNAS' 360"},
        {"sampling": "uniform", "initialization": "he-fan-out"},
        (*_TWO_STAGE_DEPARTS, *_TWO_STAGE_PICTURES, "The paper's code is not public, and neither is its batch size nor number of epochs certain: what it leaves open is "
         "as in AttentiveNAS.", "The published numbers of parameters do not come out of this space (docs/two-stage.md)."),
    ),
    PaperProtocol(
        "two-stage", ("attentive-nas", "bignas"), CIFAR, "nascope: no paper trains CIFAR this way", _CIFAR_TWO_STAGE,
        {"validation_portion": _HELD_OUT, "learning_rate": _LINEAR_RULE, "label_smoothing": _TWO_STAGE_CODE, "weight_decay": _TWO_STAGE_CODE,
         "gradient_clip": _TWO_STAGE_CODE, "cutout": "DARTS README: --cutout, of 16"},
        departs=("No paper trains a two-stage supernet on CIFAR. The nearest: AttentiveNAS' rates for this batch, a space for 32 pixels, and "
                 "the augmentation of DARTS.", *_TWO_STAGE_DEPARTS),
    ),
    PaperProtocol(
        "subnet", ("bignas", "attentive-nas"), IMAGENET, "nascope: no paper retrains a sub-network",
        {name: _TWO_STAGE[name] for name in ("epochs", "learning_rate_schedule", "learning_rate_min", "learning_rate_warmup_epochs", "momentum",
         "weight_decay", "label_smoothing", "dropout", "drop_connect", "drop_connect_stages", "image_size", "auto_augment", "cutout",
         "validation_portion", "seed")} | {"batch_size": 1024, "learning_rate": 0.4, "gradient_clip": 5.0},
        {"learning_rate": _LINEAR_RULE},
        departs=("The papers take sub-networks as they come out of the supernet. From scratch these are the supernet's rates; for fine-tuning "
                 "set a small learning_rate and few epochs.",),
    ),
    PaperProtocol(
        "subnet", ("bignas", "attentive-nas"), CIFAR, "nascope: no paper retrains a sub-network",
        {name: value for name, value in _CIFAR_TWO_STAGE.items() if not name.startswith("calibration")} | {"gradient_clip": 5.0},
        departs=("The papers take sub-networks as they come out of the supernet. From scratch these are the supernet's rates; for fine-tuning "
                 "set a small learning_rate and few epochs.",),
    ),
)  # fmt: skip


def paper_protocol(kind: str, method: str, data: str) -> PaperProtocol:
    """The protocol of a method's paper on a data set: that for ImageNet on ImageNet, that for CIFAR on all others."""
    wanted = data if data in IMAGENET else CIFAR[0]
    return next(
        protocol
        for protocol in PROTOCOLS
        if protocol.kind == kind and method in protocol.methods and wanted in protocol.data
    )
