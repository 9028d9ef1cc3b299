"""`python -m acme_exchange`"""

import sys

from acme_exchange.cli import main

sys.exit(main())
