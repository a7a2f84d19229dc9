"""``python -m postmortem_nb``: the ``postmortem`` command where its script is not on the path."""

import sys

from postmortem_nb.cli import main

sys.exit(main())
