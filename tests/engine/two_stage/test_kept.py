"""Images that are kept, or read anew where they are too many: the same numbers, and a stop is felt in between."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.data import load_data
from engine.data.file_stream import FileStream
from engine.data.stream import BatchStream
from engine.distributed import Ranks
from engine.subnets.architecture import smallest
from engine.two_stage import kept
from engine.two_stage.measuring import SubnetMeter, validation_batch_size
from engine.two_stage.supernet import DynamicSupernet
from engine.two_stage.trainer import TwoStageTrainer

_spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)
CPU = torch.device("cpu")


def of_files(folder, **values):
    numbers = np.random.default_rng(0)
    for label in "ab":
        (folder / "train" / label).mkdir(parents=True)
        for place in range(20):
            Image.fromarray(numbers.integers(0, 256, (20, 26, 3), dtype=np.uint8)).save(
                folder / "train" / label / f"{place:02}.png"
            )
    return tiny.config(
        data=f"image-folder:{folder}", reading="files", workers=0, image_size=16, limit_images=None, batch_size=4, color_jitter=0.4, cutout=0,
        calibration_images=24, calibration_batch_size=8, validation_portion=0.2, **values,
    )  # fmt: skip


def supernet(classes):
    torch.manual_seed(0)
    return DynamicSupernet(tiny.TINY.with_classes(classes), zero_gamma=False)


def numbers(found):
    return found.images, found.loss, found.accuracy_percent


@pytest.fixture
def read(monkeypatch):
    """Names of the streams of the batches that are made, in order."""
    found = []
    for stream in (FileStream, BatchStream):

        def batch(self, step, real=stream.batch):
            found.append(self.name)
            return real(self, step)

        monkeypatch.setattr(stream, "batch", batch)
    real_batch = FileStream._batch
    monkeypatch.setattr(
        FileStream, "_batch", lambda self, *rest: found.append(f"{self.name} file") or real_batch(self, *rest)
    )
    return found


def test_files_are_decoded_once_and_give_the_same_numbers_ever_after(tmp_path, read, monkeypatch):
    config = of_files(tmp_path / "in")
    data = load_data(config, CPU)
    assert data.reading == "files"
    made = supernet(2)
    architecture = smallest(made.space)
    meter = SubnetMeter(data, config, CPU)

    first = meter.measure(made, architecture)
    decoded = len(read)
    again = [meter.measure(made, architecture) for _ in range(2)]

    assert read.count("calibration") == 3
    assert read.count("validation file") == 2  # 6 images in batches of 4
    assert len(read) == decoded
    assert {numbers(found) for found in again} == {numbers(first)}
    meter.close()

    monkeypatch.setattr(kept, "KEPT_BYTES", 1000)
    thrifty = SubnetMeter(data, config, CPU)
    assert (
        numbers(thrifty.measure(made, architecture)) == numbers(thrifty.measure(made, architecture)) == numbers(first)
    )
    assert read.count("calibration") == 3 + 2 * 3
    assert read.count("validation file") == 2 + 2 * 2
    thrifty.close()


def test_kept_bytes_are_the_images_to_the_bit(tmp_path):
    config = of_files(tmp_path / "in")
    data = load_data(config, CPU)
    meter = SubnetMeter(data, config, CPU)
    fresh, held = (list(meter._validation.batches()) for _ in range(2))
    assert len(fresh) == len(held) == 2
    for one, other in zip(fresh, held, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
    assert all(pixels.dtype == torch.uint8 for pixels, _ in meter._validation._kept)
    meter.close()


def test_a_broken_validation_image_is_told(tmp_path):
    config = of_files(tmp_path / "in", broken_images="skip", validation_networks=0)
    data = load_data(config, CPU)
    broken = data.splits["validation"].path(1)
    broken.write_bytes(broken.read_bytes()[:10])
    trainer = TwoStageTrainer(config, data, CPU)
    trainer.step(0)
    told = [fields["text"] for kind, fields in trainer.end_epoch(0, lambda: None).reports if kind == "message"]
    assert len(told) == 1
    assert broken.name in told[0]
    trainer.close()


def test_every_byte_comes_back_from_its_number():
    mean, std = torch.tensor([0.485, 0.1, 0.99]), torch.tensor([0.229, 1.0, 0.003])
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    assert torch.equal(kept._pixels(kept.normalize(pixels, mean, std), mean, std), pixels)


def test_a_stop_is_felt_while_images_are_read_and_nothing_half_read_is_kept(read):
    config = tiny.config()
    data = load_data(config, CPU)
    made = supernet(10)
    meter, asked = SubnetMeter(data, config, CPU), []

    def stop_at_the_second():
        asked.append(1)
        if len(asked) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        meter.measure(made, smallest(made.space), stop_at_the_second)
    assert read == ["calibration"]  # one batch of two
    found = meter.measure(made, smallest(made.space))
    other = SubnetMeter(data, config, CPU).measure(made, smallest(made.space))
    assert numbers(found) == numbers(other)


def test_a_pass_over_validation_images_takes_no_more_than_calibration_does():
    config = tiny.config("attentive-nas", batch_size=2048, calibration_images=1024, calibration_batch_size=256)
    assert validation_batch_size(config) == 256
    assert validation_batch_size(config, Ranks(1, 4)) == 1024
    assert validation_batch_size(config, Ranks(0, 64)) == 2048
    assert validation_batch_size(tiny.config(batch_size=16)) == 16
