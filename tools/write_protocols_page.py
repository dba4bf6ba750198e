"""Writes ``docs/protocols.md`` from the protocols' declarations: ``make docs``. A test keeps the page true."""

from __future__ import annotations

from pathlib import Path

from engine.config import PRESETS, PROTOCOLS, PaperProtocol

PAGE = Path(__file__).resolve().parent.parent / "docs" / "protocols.md"

_HEAD = """# Protocols of the papers

Made by `make docs` from the declarations in `engine/config/protocols.py`; `nascope methods` prints the same, and
`nascope methods --json` gives it under `protocols`. Files are those of the public code: quark0/darts at f276dd3,
yuhuixu1993/PC-DARTS at b74702f, Sunshine-Ye/Beta-DARTS at f307704.

`--preset paper` takes the protocol of the method's paper on a search. On a retraining it takes that of the paper whose
method found the cells, as the genotype's `source` says (or its name, for the cells that PC-DARTS published), and DARTS'
where that is not known: so cells of PC-DARTS get a drop path of 0.3 and all others 0.2. To compare cells of several
methods fairly, name one protocol for all, `--preset paper-darts`. On ImageNet the protocols for ImageNet count, on every
other data set those for CIFAR. Cutout, the auxiliary head and the split of the digits follow the data set. Everything
may be set otherwise with `--set`; a batch that is not the protocol's, with its learning rate, is warned of at the start.
"""

_WHY = """
## Why one search is no reproduction

The published numbers are of chosen cells, and it matters how they were chosen.

- **DARTS** repeats the search with several seeds and picks a cell by a short retraining, measured on images that were
  held out. Its 2.76 ± 0.09 % on CIFAR-10 is the spread of ten retrainings of that one cell, not of ten searches.
- **PC-DARTS**' 2.57 ± 0.07 % is the best cell of several searches, retrained four times. Users got 2.65 to 3.23 % from
  single searches (issue 47 of its repository); others got 2.99 ± 0.04 % for the first-order cell of DARTS.
- **The scripts' best epoch is chosen on the test images.** They measure the test split after every epoch; PC-DARTS
  reports the best of 600. Here the test split is touched by `nascope test` only, and each touch is counted.
- **The last genotype in an original log** is printed at the start of the last epoch, before its updates.
- **Random cells are close.** A cell drawn at random, retrained the same way, is within a fraction of a percent on this
  space (Li and Talwalkar, UAI 2019; Yang et al., ICLR 2020). A search without random cells beside it says little.
- **Beta-DARTS** has no public code for this space and no table in its README; nothing here can be checked against it.

So run several seeds of each method, pick on held-out images, retrain the pick with several seeds, and put random cells
beside them: `nascope study` does all of it.
"""


def protocols_page() -> str:
    """The page as Markdown."""
    lines = [_HEAD, "## Presets", "", "| preset | what |", "|---|---|"]
    lines += [f"| `{name}` | {summary} |" for name, summary in PRESETS.items()]
    for protocol in PROTOCOLS:
        lines += ["", *_protocol(protocol)]
    return "\n".join(lines) + "\n" + _WHY


def _protocol(protocol: PaperProtocol) -> list[str]:
    title = protocol.title
    lines = [f"## {title[0].upper()}{title[1:]}", "", "| setting | value | source |", "|---|---|---|"]
    lines += [f"| `{entry.name}` | {entry.value} | {entry.source} |" for entry in protocol.sourced()]
    return [*lines, "", "What differs:", "", *(f"- {sentence}" for sentence in protocol.departs)]


if __name__ == "__main__":
    PAGE.write_text(protocols_page(), encoding="utf-8")
    print(f"Written: {PAGE.relative_to(PAGE.parent.parent)}")
