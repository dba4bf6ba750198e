"""``nascope`` on a rank whose machine lacks the data, where rank 1 runs it."""

import os
import sys

import engine.execution.make
from engine.cli import main
from engine.errors import DataError

if os.environ["RANK"] == "1":

    def missing(*_, **__):
        raise DataError("the folder is not there.", where="/data/images", mend="Mount it.")

    engine.execution.make.load_data = missing

sys.exit(main())
