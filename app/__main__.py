"""``python -P -m app [RUN|GENOTYPE]`` opens the window."""

import sys

from app.main import main

sys.exit(main())
