"""`python -m acme_exchange`: the same as `acme-exchange`."""

import sys

from acme_exchange.cli.main import main

sys.exit(main())
