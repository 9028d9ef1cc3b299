"""The entry point of `acme-exchange`."""

import gc
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    :returns: the exit status: 0 after a graceful end, 1 when something cannot be done, 2 for arguments that do not fit.
    """
    # Most of a command's time goes into imports, among which there is no garbage to be looked for.
    gc.disable()
    from acme_exchange.cli.commands import carry_out

    gc.freeze()
    gc.enable()
    return carry_out(arguments)
