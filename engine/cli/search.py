"""``nascope search``: a new search, carried out in this process."""

from __future__ import annotations

from typing import Any

import click

from engine.cli.forecast_answer import answer_forecast, forecast_option
from engine.cli.starting import CommandWithSettings, Said, run_options, start_new
from engine.config import METHODS, SearchConfig, TwoStageConfig


@click.command("search", cls=CommandWithSettings)
@click.option("--method", metavar="METHOD", help=f"{', '.join(METHODS)}; default darts.")
@forecast_option
@run_options
def command(forecast: bool, **said: Any) -> int:
    """Search for a normal and a reduction cell, or train a two-stage supernet (bignas, attentive-nas).

    A two-stage supernet is chosen from afterwards: nascope select.

    Ctrl-C, SIGTERM and nascope stop save before they end; nascope resume goes on.
    """
    spoken = Said(**said)
    config = spoken.resolved(spoken.search_kind())
    assert isinstance(config, SearchConfig | TwoStageConfig)
    if forecast:
        return answer_forecast(spoken, config)
    return start_new(spoken, config, slug=f"{config.method}-{config.data.partition(':')[0]}")
