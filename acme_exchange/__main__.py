"""`python -m acme_exchange`"""

import sys

from acme_exchange.cli.main import main

sys.exit(main())
