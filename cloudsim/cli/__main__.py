"""``python -m cloudsim.cli``."""

import sys

from cloudsim.cli.main import main

sys.exit(main())
