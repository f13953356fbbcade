"""`python -m byoa.cli` is `byoa`."""

import sys

from byoa.cli.main import main

sys.exit(main())
