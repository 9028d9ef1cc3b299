import sys

from acme_bot.cli import main

sys.exit(main())
