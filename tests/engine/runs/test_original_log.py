"""Logs of the original code, in the forms that its versions and those of torch write, become runs."""

import json
import math
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli import main
from engine.errors import RunError
from engine.genotype import DARTS_PRIMITIVES
from engine.genotype.discretize import discretize_cell, softmax
from engine.runs import RunHistory, find_runs, read_events
from engine.runs.original import find_log, import_log, read_log
from engine.runs.original.literals import parse_namespace
from engine.runs.original.tensors import TensorError, as_raw_alphas, parse_printed

ARGUMENTS = (
    "Namespace(arch_learning_rate=0.0003, arch_weight_decay=0.001, batch_size=64, cutout=False, cutout_length=16, data='../data', "
    "drop_path_prob=0.3, epochs=3, gpu=0, grad_clip=5, init_channels=16, layers=8, learning_rate=0.025, learning_rate_min=0.001, "
    "model_path='saved_models', momentum=0.9, report_freq=50, save='search-EXP-20190312-101010', seed=2, train_portion=0.5, "
    "unrolled=False, weight_decay=0.0003)"
)


def alphas_of(epoch, kind):
    draw = np.random.default_rng(10 * epoch + (kind == "reduction"))
    return softmax(draw.normal(0, 0.7, (14, 8)))


def cells_of(epoch):
    """The genotype that the original would print: of the printed alphas."""
    texts = []
    for kind in ("normal", "reduction"):
        cell = discretize_cell(np.log(np.round(alphas_of(epoch, kind), 4)), DARTS_PRIMITIVES)
        texts.append(str([(edge.primitive, edge.source) for _, _, edge in cell.edges()]))
    normal, reduction = texts
    return f"Genotype(normal={normal}, normal_concat=range(2, 6), reduce={reduction}, reduce_concat=range(2, 6))"


def printed_new(values):
    rows = ["[" + ", ".join(f"{value:.4f}" for value in row) + "]" for row in values]
    return "tensor([" + ",\n        ".join(rows) + "],\n       device='cuda:0', grad_fn=<SoftmaxBackward>)"


def printed_old(values):
    """torch 0.3, with a factor and two blocks of columns."""
    lines = ["Variable containing:"]
    for first, last in ((0, 4), (5, 7)):
        lines += [f"Columns {first} to {last} ", "1.00000e-02 *"]
        lines += ["  ".join(f"{100 * value:.4f}" for value in row[first : last + 1]) for row in values] + [""]
    return "\n".join([*lines, f"[torch.cuda.FloatTensor of size {len(values)}x8 (GPU 0)]"])


def search_log(epochs=3, *, arguments=ARGUMENTS, printed=printed_new, stamp=True, to=None):
    def at(epoch, minute, text):
        return f"2019-03-12 1{epoch}:{minute:02d}:00,500 {text}" if stamp else text

    lines = ["Experiment dir : search-EXP-20190312-101010", at(0, 0, "gpu device = 0"), at(0, 0, f"args = {arguments}")]
    lines += ["Files already downloaded and verified", at(0, 0, "param size = 1.930618MB")]
    for epoch in range(epochs):
        lines += [
            at(epoch, 1, f"epoch {epoch} lr {0.025 - 0.01 * epoch:e}"),
            at(epoch, 1, f"genotype = {cells_of(epoch)}"),
        ]
        if printed is not None:
            lines += [printed(alphas_of(epoch, "normal")), printed(alphas_of(epoch, "reduction"))]
        for step in range(0, 391, 50):
            lines.append(
                at(epoch, 2 + step // 50, f"train {step:03d} {2 - epoch / 10 - step / 1000:e} {40 + epoch:f} 90.0")
            )
        lines.append(at(epoch, 40, f"train_acc {50 + epoch:f}"))
        lines += [at(epoch, 41, f"valid {0:03d} 1.5e+00 60.0 95.0"), at(epoch, 50, f"valid_acc {45 + epoch:f}")]
    text = "\n".join(lines) + "\n"
    if to is not None:
        to.write_text(text)
    return text


@pytest.mark.parametrize("printed", [printed_new, printed_old], ids=["new", "torch-0.3"])
def test_a_search_becomes_a_run(tmp_path, printed):
    search_log(printed=printed, to=tmp_path / "log.txt")
    found = import_log(tmp_path / "log.txt", out=tmp_path / "run")
    assert (found.kind, found.method, found.epochs, found.state) == ("search", "darts", 3, "finished")
    config = found.folder.config()
    assert (config.data, config.channels, config.layers, config.batch_size, config.seed) == ("cifar10", 16, 8, 64, 2)
    assert (config.learning_rate, config.alpha_learning_rate, config.cutout) == (0.025, 3e-4, 0)
    history = RunHistory.read(found.folder.path / "events.jsonl")
    assert [record.epoch for record in history.alphas] == [0, 1, 2]
    for record in history.alphas:
        for kind in ("normal", "reduction"):
            np.testing.assert_allclose(softmax(record.of(kind)[0]), alphas_of(record.epoch, kind), atol=1.5e-4)
            assert (record.of(kind)[0].astype(np.float32) == record.of(kind)[0]).all()
    # 25,000 images of the weights' half in batches of 64 are 391 steps.
    assert history.steps_per_epoch == 391
    assert list(history.series["step.loss"].steps[:9]) == [0, 50, 100, 150, 200, 250, 300, 350, 391]
    assert list(history.series["epoch.validation_accuracy_percent"].steps) == [390, 781, 1172]
    assert list(history.series["epoch.validation_accuracy_percent"].values) == [45, 46, 47]
    assert history.last["epoch"].data["validation_split"] == "alphas"
    assert history.started["parameters"] == 1_930_618
    assert len(history.of_type("genotype")) == 3
    texts = " ".join(event.data["text"] for event in history.of_type("message"))
    assert "disagree" not in texts
    assert "by its size" in texts
    (row,) = find_runs(tmp_path)
    assert row.status.metrics["best_validation_accuracy_percent"] == 47
    assert row.status.seconds == pytest.approx(2 * 3600 + 50 * 60)


def test_the_views_torch_free_wing_reads_it(tmp_path, capsys):
    search_log(to=tmp_path / "log.txt")
    assert (
        main(["import", str(tmp_path / "log.txt"), "--out", str(tmp_path / "run"), "--json", "--name", "theirs"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["state"] == "finished"
    assert main(["explain", str(tmp_path / "run")]) == 0
    assert main(["report", str(tmp_path / "run")]) == 0
    assert main(["export", str(tmp_path / "run"), "--format", "text"]) == 0
    assert cells_of(2) in capsys.readouterr().out
    assert main(["resume", str(tmp_path / "run")]) == 2
    assert "imported" in capsys.readouterr().err


def test_a_log_file_without_alphas_gives_curves_and_cells(tmp_path):
    search_log(2, printed=None, to=tmp_path / "log.txt")
    found = import_log(tmp_path, out=tmp_path / "run")
    assert found.state == "stopped"  # Two of three epochs.
    history = RunHistory.read(found.folder.path / "events.jsonl")
    assert not history.alphas
    assert len(history.of_type("genotype")) == 2
    assert any("no alphas" in note for note in found.notes)


def test_times_without_a_year_take_that_of_the_experiment(tmp_path):
    lines = []
    for number, line in enumerate(search_log(2, stamp=False).splitlines()):
        head = line.startswith(("args", "epoch", "train", "valid", "genotype", "param"))
        stamp = "12/31 11:59:00 PM" if number < 20 else "01/01 12:01:00 AM"
        lines.append(f"{stamp} {line}" if head else line)
    (tmp_path / "out.log").write_text("\n".join(lines))
    found = import_log(tmp_path / "out.log", out=tmp_path / "run")
    times = [event.t for event in read_events(found.folder.path / "events.jsonl")]
    assert times == sorted(times)
    assert times[-1] - times[0] == 120
    from datetime import datetime

    assert datetime.fromtimestamp(times[0]) == datetime(2019, 12, 31, 23, 59)


def test_a_stamp_of_no_time_is_a_stamp_all_the_same(tmp_path):
    (tmp_path / "log.txt").write_text(search_log(1).replace("2019-03-12 10:", "2019-03-12 24:"))
    assert import_log(tmp_path / "log.txt", out=tmp_path / "run").epochs == 1


def test_unusable_tensors_are_named(tmp_path):
    text = search_log(1).replace(
        printed_new(alphas_of(0, "normal")), "tensor([[0.1, 0.2, ..., 0.1],\n  ...,\n  [0.1, ..., 0.2]])"
    )
    (tmp_path / "log.txt").write_text(text)
    found = import_log(tmp_path / "log.txt", out=tmp_path / "run")
    assert any("«...»" in note for note in found.notes)
    assert not RunHistory.read(found.folder.path / "events.jsonl").alphas


def test_cells_that_the_alphas_do_not_give_are_told(tmp_path):
    text = search_log(2).replace("param size = 1.930618MB", "").replace(cells_of(1), cells_of(0))
    (tmp_path / "log.txt").write_text(text)
    found = import_log(tmp_path / "log.txt", out=tmp_path / "run")
    assert any("In 1 epoch (first: 1)" in note and "disagree" in note for note in found.notes)
    history = RunHistory.read(found.folder.path / "events.jsonl")
    levels = {event.data["level"] for event in history.of_type("message") if "disagree" in event.data["text"]}
    assert levels == {"warning"}


@pytest.mark.parametrize(
    ("change", "method"),
    [
        (("unrolled=False", "unrolled=True"), "darts-v2"),
        (("1.930618MB", "0.299578MB"), "pc-darts"),
        (("param size = 1.930618MB", ""), "darts"),
        (("param size = 1.930618MB", "args = " + ARGUMENTS.replace("seed=2", "seed=2, set='cifar10'")), "pc-darts"),
    ],
)
def test_the_method_is_told_by_the_log(tmp_path, change, method):
    (tmp_path / "log.txt").write_text(search_log(1).replace(*change))
    found = import_log(tmp_path / "log.txt", out=tmp_path / "run")
    config = found.folder.config()
    assert found.method == config.method == method
    assert (config.order, config.edge_normalization) == {
        "darts-v2": (2, False),
        "pc-darts": (1, True),
        "darts": (1, False),
    }[method]
    assert import_log(tmp_path / "log.txt", out=tmp_path / "said", method="darts-v2").method == "darts-v2"


def test_the_last_of_several_searches_in_one_file(tmp_path):
    (tmp_path / "log.txt").write_text(search_log(3) + search_log(2))
    found = import_log(tmp_path / "log.txt", out=tmp_path / "run")
    assert found.epochs == 2
    assert any("anew once" in note for note in found.notes)


def retrain_log(arch="PCDARTS", imagenet=False):
    if imagenet:
        lines = [f"args = Namespace(arch='{arch}', auxiliary=True, batch_size=1024, drop_path_prob=0.0, epochs=2, init_channels=48, "
                 "label_smooth=0.1, layers=14, learning_rate=0.5, lr_scheduler='linear', tmp_data_dir='/tmp/cache/', weight_decay=3e-05)"]  # fmt: skip
        for epoch in range(2):
            lines += [f"Epoch: {epoch} lr 5.000000e-01", "TRAIN Step: 000 Objs: 6.9e+00 R1: 0.1 R5: 0.5 Duration: 0s BTime: 1.000s",
                      "Train_acc: 1.5", f"Valid_acc_top1: {2.5 + epoch}", "Valid_acc_top5: 9.0"]  # fmt: skip
    else:
        lines = [f"args = Namespace(arch='{arch}', auxiliary=True, auxiliary_weight=0.4, batch_size=96, cutout=True, cutout_length=16, "
                 "drop_path_prob=0.3, epochs=2, init_channels=36, layers=20, learning_rate=0.025, set='cifar10')"]  # fmt: skip
        for epoch in range(2):
            lines += [f"epoch {epoch} lr 2.5e-02", "train 000 2.3e+00 10.0 50.0", "train_acc 30.5", "valid 000 1.9e+00 40 80", f"valid_acc {35.5 + epoch}"]  # fmt: skip
    return "\n".join(f"2020-01-01 00:00:{second:02d},000 {line}" for second, line in enumerate(lines))


def test_a_retraining_says_that_its_validation_is_the_test_split(tmp_path):
    (tmp_path / "log.txt").write_text(retrain_log())
    found = import_log(tmp_path / "log.txt", out=tmp_path / "run")
    config = found.folder.config()
    assert (found.kind, found.state) == ("retrain", "finished")
    assert (config.genotype["name"], config.channels, config.drop_path, config.cutout) == (
        "PC_DARTS_cifar",
        36,
        0.3,
        16,
    )
    history = RunHistory.read(found.folder.path / "events.jsonl")
    assert history.last["epoch"].data["validation_split"] == "test"
    assert history.steps_per_epoch == 521  # 50,000 images in batches of 96
    assert any(
        "test split" in event.data["text"] and event.data["level"] == "warning" for event in history.of_type("message")
    )


def test_imagenets_scripts_write_otherwise(tmp_path):
    (tmp_path / "log.txt").write_text(retrain_log("PC_DARTS_image", imagenet=True))
    found = import_log(tmp_path / "log.txt", out=tmp_path / "run")
    config = found.folder.config()
    assert config.data.startswith("imagenet:")
    assert (config.learning_rate_schedule, config.label_smoothing, config.batch_size) == ("linear", 0.1, 1024)
    history = RunHistory.read(found.folder.path / "events.jsonl")
    assert list(history.series["epoch.validation_accuracy_percent"].values) == [2.5, 3.5]


def test_unknown_cells_of_a_retraining_must_be_named(tmp_path):
    (tmp_path / "log.txt").write_text(retrain_log("MINE"))
    with pytest.raises(RunError, match=r"«MINE».*--genotype"):
        import_log(tmp_path / "log.txt", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert main(["import", str(tmp_path / "log.txt"), "--genotype", "DARTS_V1", "--out", str(tmp_path / "run")]) == 0


def test_nothing_of_use_is_refused_by_name(tmp_path):
    (tmp_path / "poem.txt").write_text("roses are red\n")
    (tmp_path / "bytes.log").write_bytes(bytes(range(256)) * 300)
    for name in ("poem.txt", "bytes.log", "missing.txt"):
        with pytest.raises(RunError, match=name):
            import_log(tmp_path / name, out=tmp_path / "run")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match=r"folder.*no log\.txt"):
        find_log(tmp_path / "folder")
    assert not (tmp_path / "run").exists()


def test_a_value_that_fits_no_run_is_left_out_and_told(tmp_path):
    (tmp_path / "log.txt").write_text(
        search_log(1).replace("batch_size=64", "batch_size=1").replace("layers=8", "layers='eight'")
    )
    found = import_log(tmp_path / "log.txt", out=tmp_path / "run")
    assert found.folder.config().layers == 8
    assert sum("left out" in note for note in found.notes) == 2


def test_weights_of_zero_get_a_floor():
    raw, floored = as_raw_alphas(np.array([[0.0, 0.25, 0.75], [0.5, 0.5, 0.0]]))
    assert floored == 2
    assert np.isfinite(raw).all()
    np.testing.assert_allclose(softmax(raw), [[0, 0.25, 0.75], [0.5, 0.5, 0]], atol=1e-4)
    raw_values = np.array([[-1.5, 2.0]])
    assert (as_raw_alphas(raw_values)[0] == raw_values).all()


numbers = st.floats(0, 1, allow_nan=False).map(lambda value: round(value, 4))


@given(st.integers(1, 14), st.integers(1, 8), st.data(), st.sampled_from(["", "1.00000e-02 *\n       "]), st.booleans())
@settings(max_examples=50, deadline=None)
def test_printed_tensors_read_back(rows, columns, data, factor, wrapped):
    values = [[data.draw(numbers) for _ in range(columns)] for _ in range(rows)]
    text = (
        f"tensor({factor}["
        + ",\n        ".join("[" + ", ".join(f"{value:.4f}" for value in row) + "]" for row in values)
        + "])"
    )
    if wrapped:  # A terminal that wraps hard breaks anywhere.
        text = "\n".join(text[place : place + 37] for place in range(0, len(text), 37))
    np.testing.assert_allclose(parse_printed(text), np.array(values) * (0.01 if factor else 1.0), atol=1e-12)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_text_makes_the_tensor_reader_stumble(text):
    for candidate in (text, f"tensor([[{text}", f"tensor([[{text}]])", f"Variable containing:\n{text}"):
        try:
            values = parse_printed(candidate)
        except TensorError:
            continue
        assert np.isfinite(values).all()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "crlf"])
def test_other_encodings_and_line_ends(tmp_path, encoding):
    text = search_log(2)
    content = text.replace("\n", "\r\n").encode() if encoding == "crlf" else text.encode(encoding)
    (tmp_path / "plain.txt").write_text(text)
    (tmp_path / "log.txt").write_bytes(content)
    expected, found = read_log(tmp_path / "plain.txt"), read_log(tmp_path / "log.txt")
    assert (found.arguments, len(found.epochs), found.started) == (expected.arguments, 2, expected.started)
    for one, other in zip(expected.epochs, found.epochs, strict=True):
        assert (one.steps, one.genotype, one.valid_accuracy) == (other.steps, other.genotype, other.valid_accuracy)
        assert all((mine == theirs).all() for mine, theirs in zip(one.tensors, other.tensors, strict=True))


def test_a_diverged_training_keeps_its_steps_and_says_so(tmp_path):
    text = search_log(2)
    head, tail = text[: text.index("epoch 1 ")], text[text.index("epoch 1 ") :]
    tail = re.sub(r"(train|valid) (\d{3}) \S+", r"\1 \2 nan", tail)
    tail = re.sub(r"_acc \S+", "_acc nan", tail)
    (tmp_path / "log.txt").write_text(head + tail)
    found = import_log(tmp_path / "log.txt", out=tmp_path / "run")
    history = RunHistory.read(found.folder.path / "events.jsonl")
    losses = history.series["step.loss"].values
    assert np.isfinite(losses[:8]).all()
    assert len(losses) == 16
    assert np.isnan(losses[8:]).all()
    warnings = [event.data["text"] for event in history.of_type("message") if event.data["level"] == "warning"]
    assert any("from epoch 2 on" in text and "diverged" in text for text in warnings)
    metrics = json.loads((found.folder.path / "status.json").read_text(), parse_constant=pytest.fail)["metrics"]
    assert metrics["best_validation_accuracy_percent"] == 45
    assert metrics["validation_accuracy_percent"] is None


def test_arguments_and_names_that_no_file_can_hold(tmp_path):
    arguments = r"Namespace(a=b'raw', b=3j, c=..., d=1e999, data='\ud800', seed=5, note='C:\\data\\')"
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text(search_log(1, arguments=arguments))
    found = import_log(path, out=tmp_path / "run")
    told = found.folder.config_document()["imported_from"]
    assert told["arguments"] == {"data": "?", "seed": 5, "note": "C:\\data\\"}
    assert told["log"].endswith("caf\ufffd.txt")
    assert found.folder.config().seed == 5


names = st.from_regex(r"\A[a-z_]{1,8}\Z")
literals = st.one_of(
    st.integers(-(10**9), 10**9),
    st.booleans(),
    st.none(),
    st.text(max_size=20),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(
    st.dictionaries(
        names.filter(
            lambda name: (
                name.isidentifier()
                and name not in ("if", "in", "is", "or", "as", "def", "not", "and", "for", "try", "del")
            )
        ),
        literals,
        max_size=6,
    )
)
@settings(max_examples=100, deadline=None)
def test_arguments_read_back(values):
    import argparse
    import keyword

    values = {name: value for name, value in values.items() if not keyword.iskeyword(name)}
    assert parse_namespace(repr(argparse.Namespace(**values))) == values


def test_arguments_are_never_evaluated():
    assert parse_namespace("args = Namespace(a=__import__('os').system('touch PWNED'), b=2)") == {"b": 2}
    assert not Path("PWNED").exists()
    assert parse_namespace("Namespace(" + "(" * 5000 + ")" * 5000 + ")") is None


line_parts = st.sampled_from([
    "epoch 0 lr 1e-2", "epoch 1 lr 1e-2", "epoch 99999999 lr nan", "genotype = Genotype(", "Genotype(normal=[('a', 0)])", "tensor([[0.1, 0.2],", "[0.5, 0.5]])",
    "Variable containing:", "0.5 0.5", "[torch.FloatTensor of size 1x2]", "args = Namespace(epochs=-3, batch_size='x',", "layers=10**9)", "train 000 1e99 1 2", "valid_acc inf",
    "train_acc 5.5", "2019-99-99 99:99:99,000 epoch 0 lr 1", "02/30 13:00:00 PM train 1 1 1", "param size = 1e400MB", "\x00\x1b[31m", "'''\"",
])  # fmt: skip


@given(st.lists(line_parts | st.text(max_size=60), max_size=30))
@settings(max_examples=150, deadline=None)
def test_hostile_logs_are_read_or_refused(lines):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.txt"
        path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
        try:
            found = import_log(path, out=Path(folder) / "run")
        except RunError as error:
            refusal = str(error)
        else:
            refusal = ""
        if refusal:
            assert "log.txt" in refusal or "--genotype" in refusal
            return
        history = RunHistory.read(found.folder.path / "events.jsonl")
        assert history.started
        assert all(math.isfinite(event.t) for event in read_events(found.folder.path / "events.jsonl"))
        assert found.folder.config()


def test_a_long_log_is_read_line_by_line(tmp_path):
    import tracemalloc

    with (tmp_path / "log.txt").open("w") as file:
        file.write("epoch 0 lr 1e-2\n")
        for _ in range(300):
            file.write("noise " * 10_000 + "\n")  # 18 MB
    tracemalloc.start()
    log = read_log(tmp_path / "log.txt")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(log.epochs) == 1
    assert peak < 4e6
