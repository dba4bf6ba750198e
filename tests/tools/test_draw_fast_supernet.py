"""What the pictures of docs/fast-supernet.md say is true of the modules, and the files are those that the script draws."""

import copy
import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from app.theme import DARK, LIGHT
from engine.genotype.primitives import DARTS_PRIMITIVES
from engine.supernet import FastSupernet
from engine.supernet.fast.outgoing import Outgoing
from engine.supernet.partial import MixedOperation

ROOT = Path(__file__).resolve().parents[2]
CHANNELS = 4


def load():
    spec = importlib.util.spec_from_file_location("draw_fast_supernet", ROOT / "tools" / "draw_fast_supernet.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load()


class Calls(TorchDispatchMode):
    """Counts what torch runs, by the picture's words."""

    def __init__(self):
        super().__init__()
        self.found = dict.fromkeys(tool.CALLS, 0)

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        name = operation.overloadpacket.__name__
        if name == "convolution":
            self.found["1×1" if args[1].shape[2:] == (1, 1) else "depthwise"] += 1
        for start, word in (
            ("max_pool2d", "pool"), ("avg_pool2d", "pool"), ("relu", "ReLU"), ("native_batch_norm", "batch norm"),
            ("mul", "product with α"), ("mm", "product with α"),
        ):  # fmt: skip
            self.found[word] += name.startswith(start)
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("edges", [1, tool.NODES])
def test_counted_calls_are_those_of_the_modules(edges):
    mixed = [MixedOperation(CHANNELS, 1, DARTS_PRIMITIVES) for _ in range(edges)]
    outgoing = Outgoing(copy.deepcopy(mixed), together=edges)
    x, weights = torch.randn(2, CHANNELS, 8, 8), torch.rand(edges, len(DARTS_PRIMITIVES))

    with torch.no_grad(), Calls() as textbook:
        for operation, row in zip(mixed, weights, strict=True):
            operation(x, row)
    with torch.no_grad(), Calls() as fast:
        outgoing(x, weights)

    assert tool.calls(edges, shared=False) == textbook.found
    assert tool.calls(edges, shared=True) == fast.found


@pytest.mark.parametrize(
    ("held", "named", "rows"),
    [
        (f"convolutions.groups.0.{tool.NAMED_PRIMITIVE}.pw1", f"{tool.NAMED_PRIMITIVE}.pw1.weight", "own"),
        (f"maps.{tool.NAMED_POOL}.bn.running_mean", f"{tool.NAMED_POOL}.bn.running_mean", "shared"),
    ],
)
def test_names_belong_to_the_rows_that_are_drawn(held, named, rows):
    supernet = FastSupernet(CHANNELS, 10, tool.NAMED_CELL + 2, nodes=tool.NODES)
    module, _, attribute = tool.wide_name(held).rpartition(".")
    tensor = getattr(supernet.get_submodule(module), attribute)
    channels = tensor.shape[0] // (len(tool.edge_names(named)) if rows == "own" else 1)

    places = {name: place for name, place in supernet.places().items() if place.tensor is tensor}

    assert list(places) == tool.edge_names(named)
    expected = [slice(e * channels, (e + 1) * channels) if rows == "own" else None for e in range(len(places))]
    assert [place.rows for place in places.values()] == expected


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("name", tool.PICTURES)
def test_files_are_those_that_the_script_draws(name, theme, tmp_path):
    """By their words and where these stand: other versions of matplotlib may write other bytes."""
    drawn = tmp_path / "drawn.svg"
    tool.PICTURES[name](theme).save(drawn)

    expected, found = words(drawn), words(tool.IMAGES / f"{name}-{theme.name}.svg")

    assert len(expected) > 5
    assert found == expected, "run .venv/bin/python tools/draw_fast_supernet.py"


def words(path):
    texts = ElementTree.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")
    return [(text.text, round(float(text.get("x"))), round(float(text.get("y")))) for text in texts]


def test_words_that_leave_their_box_are_refused():
    board = tool.Board(200, 100, LIGHT)

    with pytest.raises(ValueError, match=r"«ReLU dw pw BN» needs \d+ px and has 60"):
        board.words(100, 50, "ReLU dw pw BN", room=60)
    with pytest.raises(ValueError, match="and has 32"):
        board.words(160, 50, "a word at the border", align="left")


def test_page_shows_every_picture():
    page = (ROOT / "docs" / "fast-supernet.md").read_text(encoding="utf-8")

    for name in tool.PICTURES:
        for theme in (LIGHT, DARK):
            assert f"images/{name}-{theme.name}.svg" in page
