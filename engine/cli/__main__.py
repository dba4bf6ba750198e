"""``python -m engine.cli``: what ``nascope`` runs."""

import sys

from engine.cli import main

if __name__ == "__main__":
    sys.exit(main())
