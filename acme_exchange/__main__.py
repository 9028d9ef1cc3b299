"""`python -m acme_exchange`"""

import sys

from acme_exchange.cli.serve import main

sys.exit(main())
