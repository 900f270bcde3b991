"""``python -m cloudsim.db.migrations MESSAGE`` writes the next migration."""

import sys

from cloudsim.db.migrations.run import write

if len(sys.argv) != 2:
    sys.exit('usage: python -m cloudsim.db.migrations "what changes"')
print(*write(sys.argv[1]))
