"""`acme-exchange`, each time in a copy of this process, which has imported what it needs: that is nearly all of what a
command takes that ends by itself.

A line of input is a command, its `words` and its `environment`, in JSON; a line of output is its exit `code` and what
it wrote on both streams. The end of the input ends it.
"""

import gc
import json
import os
import sys
import tempfile


def main() -> int:
    gc.disable()
    import acme_exchange.cli.commands
    import acme_exchange.cli.listing  # noqa: F401

    # They look at the user's home while they are imported: each copy does so by itself.
    for name in [name for name in sys.modules if name.startswith("acme_exchange.cli")]:
        del sys.modules[name]
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            copy = os.fork()
            if copy == 0:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                break
            code = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
            outputs = []
            for stream in (out, err):
                stream.seek(0)
                outputs.append(stream.read().decode())
        print(json.dumps({"code": code, "out": outputs[0], "err": outputs[1]}), flush=True)
    else:
        return 0
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["acme-exchange", *asked["words"]]
    gc.enable()
    from acme_exchange.cli.main import main as carry_out

    return carry_out()


if __name__ == "__main__":
    sys.exit(main())
