"""From the lines of a log to an ``OriginalLog``: line by line, so that a log of any size is read in little memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TextIO

from engine.errors import GenotypeError, RunError
from engine.genotype.text import parse_text
from engine.runs.original.literals import Balance, parse_namespace
from engine.runs.original.record import LoggedEpoch, LoggedStep, OriginalLog
from engine.runs.original.tensors import TensorError, parse_printed
from engine.runs.original.times import Clock

MAX_LINE = 65_536
MAX_BLOCK_LINES = 400
MAX_EPOCHS = 20_000
MAX_STEPS = 1_000_000

_NUMBER = r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf)"
_EPOCH = re.compile(rf"^epoch:?\s+(\d{{1,9}})\s+lr\s+({_NUMBER})", re.IGNORECASE)
_TRAIN = re.compile(
    rf"^train\s+(?:step:\s*)?(\d{{1,9}})\s+(?:objs:\s*)?({_NUMBER})\s+(?:R1:\s*)?({_NUMBER})", re.IGNORECASE
)
_VALID = re.compile(
    rf"^valid\s+(?:step:\s*)?(\d{{1,9}})\s+(?:objs:\s*)?({_NUMBER})\s+(?:R1:\s*)?({_NUMBER})", re.IGNORECASE
)
_TRAIN_ACCURACY = re.compile(rf"^train_acc:?\s+({_NUMBER})", re.IGNORECASE)
_VALID_ACCURACY = re.compile(rf"^(?:valid_acc(?:_top1)?|test_acc):?\s+({_NUMBER})", re.IGNORECASE)
_SIZE = re.compile(rf"^param size\s*=\s*({_NUMBER})MB", re.IGNORECASE)
_HEADS = (_EPOCH, _TRAIN, _VALID, _TRAIN_ACCURACY, _VALID_ACCURACY, _SIZE)
_BLOCK = re.compile(
    r"(?:args\s*=\s*Namespace|(?<!\w)Genotype|(?<![\w.])tensor)\s*\(|^(?:Variable|Parameter) containing:\s*$"
)
_OLD_END = re.compile(r"^\s*\[torch\.[\w.]*Tensor of size")


def find_log(path: Path) -> Path:
    """The log that a path means: a file, or the ``log.txt`` of an experiment's folder (else its only ``.log`` or ``.out``).

    Raises:
        RunError: there is none.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise RunError("there is no such file or folder.", where=str(path), mend="Give a log, or the folder it is in.")
    if (path / "log.txt").is_file():
        return path / "log.txt"
    others = sorted(entry for entry in path.iterdir() if entry.is_file() and entry.suffix in (".log", ".out"))
    if len(others) != 1:
        found = ", ".join(entry.name for entry in others[:5]) or "no log.txt"
        raise RunError(f"the folder holds {found}.", where=str(path), mend="Name the log itself.")
    return others[0]


def read_log(path: Path) -> OriginalLog:
    """Read a log, or what was captured of standard output (only that has the alphas).

    Raises:
        RunError: it cannot be read, or holds no epoch of such a log.
    """
    try:
        with path.open(encoding=_encoding(path), errors="replace") as file:
            year = datetime.fromtimestamp(path.stat().st_mtime).year
            log = _Reader(path, Clock(year)).read(_lines(file))
    except OSError as error:
        raise RunError(f"cannot be read ({error.strerror}).", where=str(path), mend="Check the path.") from None
    if not log.epochs:
        raise RunError(
            "holds no line «epoch 0 lr ...» as the DARTS and PC-DARTS code writes.", where=str(path),
            mend="Give the log.txt or the captured output of train_search.py or train.py.",
        )  # fmt: skip
    return log


def _encoding(path: Path) -> str:
    """UTF-8, unless its first bytes say UTF-16, which Windows' PowerShell writes where output is sent to a file."""
    with path.open("rb") as file:
        first = file.read(2)
    return "utf-16" if first in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(MAX_LINE):
        yield line.rstrip("\n")


class _Reader:
    """Takes lines; a block (arguments, genotype, tensor) may go over several."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._log = OriginalLog(path)
        self._clock = clock
        self._clock.set_year_from(str(path.absolute()))
        self._block: list[str] = []
        self._block_line = 0
        self._balance = Balance()
        self._t: float | None = None
        self._number = 0
        self._step_count = 0

    def read(self, lines: Iterable[str]) -> OriginalLog:
        for number, line in enumerate(lines, start=1):
            self._number = number
            t, text = self._clock.read(line)
            if t is not None:
                self._t = t
                self._log.started = t if self._log.started is None else self._log.started
            # A stamp of a time that does not exist is a stamp all the same.
            is_head = len(text) < len(line) or any(head.match(text) for head in _HEADS)
            if self._block and is_head:
                self._give_up_block()
            if self._block:
                self._add_to_block(line)
            else:
                self._take(text)
        if self._block:
            self._give_up_block()
        return self._log

    # -- single lines ---------------------------------------------------------------------------------------------

    def _take(self, text: str) -> None:
        block = _BLOCK.search(text)
        if block is not None:
            self._block_line, self._balance = self._number, Balance()
            self._add_to_block(text[block.start() :])
            return
        text = text.strip()
        for pattern, take in (
            (_EPOCH, self._take_epoch), (_TRAIN_ACCURACY, self._take_train_accuracy), (_VALID_ACCURACY, self._take_valid_accuracy),
            (_TRAIN, self._take_train), (_VALID, self._take_valid), (_SIZE, self._take_size),
        ):  # fmt: skip
            found = pattern.match(text)
            if found is not None:
                take(*found.groups())
                return

    def _take_epoch(self, number_text: str, rate: str) -> None:
        number, epochs = int(number_text), self._log.epochs
        if number >= MAX_EPOCHS:
            self._log.add_fault(f"line {self._number}: epoch {number} is beyond the bound of {MAX_EPOCHS}")
            return
        if epochs and number == epochs[-1].number and epochs[-1].is_bare:
            return  # Standard output and the log file were captured into one.
        if epochs and number <= epochs[-1].number:
            if number == 0:
                self._log.earlier_searches += 1
            while epochs and epochs[-1].number >= number:
                epochs.pop()
        epochs.append(LoggedEpoch(number, self._t, self._t, float(rate)))

    def _take_train(self, step: str, loss: str, top1: str) -> None:
        self._step_count += 1
        if self._step_count > MAX_STEPS:
            raise RunError(
                f"has more than {MAX_STEPS:,} lines of steps.", where=str(self._log.path), mend="Give a part."
            )
        epoch = self._epoch()
        if epoch is not None and (not epoch.steps or int(step) > epoch.steps[-1].step):
            epoch.steps.append(LoggedStep(self._t, int(step), float(loss), float(top1)))

    def _take_valid(self, step: str, loss: str, top1: str) -> None:
        epoch = self._epoch()
        if epoch is not None:
            epoch.valid_loss = float(loss)

    def _take_train_accuracy(self, value: str) -> None:
        epoch = self._epoch()
        if epoch is not None:
            epoch.train_accuracy = float(value)

    def _take_valid_accuracy(self, value: str) -> None:
        epoch = self._epoch()
        if epoch is not None:
            epoch.valid_accuracy = float(value)

    def _take_size(self, value: str) -> None:
        self._log.parameters_millions = float(value)

    def _epoch(self) -> LoggedEpoch | None:
        if not self._log.epochs:
            return None
        self._log.epochs[-1].ended = self._t
        return self._log.epochs[-1]

    # -- blocks ---------------------------------------------------------------------------------------------------

    def _add_to_block(self, line: str) -> None:
        self._block.append(line)
        is_old = self._block[0].startswith(("Variable", "Parameter")) and "tensor(" not in self._block[0]
        if is_old and len(self._block) == 2 and line.lstrip().startswith("tensor("):
            self._block = [line]  # «Parameter containing:» before a tensor in the new form.
            is_old = False
        if _OLD_END.match(line) if is_old else self._balance.closes(line):
            text, self._block = "\n".join(self._block), []
            self._take_block(text)
        elif len(self._block) > MAX_BLOCK_LINES or sum(map(len, self._block)) > MAX_LINE:
            self._give_up_block()

    def _give_up_block(self) -> None:
        self._log.add_fault(f"line {self._block_line}: «{self._block[0].strip()[:30]}…» does not end")
        self._block = []

    def _take_block(self, text: str) -> None:
        head = text.lstrip()
        if head.startswith("args"):
            arguments = parse_namespace(text)
            if arguments is None:
                self._log.add_fault(f"line {self._block_line}: the arguments cannot be read")
                return
            self._log.arguments = arguments
            if self._clock.set_year_from(str(arguments.get("save", ""))):
                self._t = self._log.started = None  # They were of the wrong year.
        elif "Genotype" in head[:12]:
            self._take_genotype(text)
        elif self._log.epochs:
            self._take_tensor(text)

    def _take_genotype(self, text: str) -> None:
        try:
            (_, genotype), *_ = parse_text(text)
        except GenotypeError as error:
            self._log.add_fault(f"line {self._block_line}: {error.what}")
            return
        epoch = self._epoch()
        if epoch is None:
            self._log.genotype = genotype
        else:
            epoch.genotype = genotype

    def _take_tensor(self, text: str) -> None:
        try:
            values = parse_printed(text)
        except TensorError as error:
            self._log.add_fault(f"line {self._block_line}: a printed tensor is of no use: {error}")
            return
        epoch = self._log.epochs[-1]
        if values.ndim == 2 and not epoch.steps and len(epoch.tensors) < 2:
            epoch.tensors.append(values)
