"""Runs commands of a workspace's `hbot`, one after the other, each in a copy of this process.

This process has imported Hummingbot, which takes a command most of its time. It runs in the workspace. A line of input
is a command in JSON: its `arguments`, and the `text` of its standard input. A line of output is its result in JSON: the
exit `code`, what it `printed`, and its `errors`. The process ends with its input.

With `--random-password`, what is encrypted takes a fraction of a second less, and each start of a bot that reads it a
second: a password that nobody could guess needs not be made slow to guess.
"""

import gc
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from typing import Any

from acme_bot import hbot_command, tether
from acme_bot.hbot import RANDOM_PASSWORD


def main() -> None:
    """Answers every line. In a copy it returns what `hbot` does."""
    # Most of the time goes into importing, where there is no garbage to be looked for.
    gc.disable()
    import hummingbot.cli.main
    import hummingbot.client.config.config_helpers  # noqa: F401

    if RANDOM_PASSWORD in sys.argv[1:]:
        from hummingbot.client.config import config_crypt

        config_crypt.get_default_work_factor_for_kdf = lambda kdf: 1
    gc.freeze()
    parent = os.getpid()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        for line in sys.stdin:
            answer = _carry_out(json.loads(line))
            if os.getpid() != parent:
                break
            print(json.dumps(answer), file=answers, flush=True)
    if os.getpid() != parent:
        gc.enable()
        hbot_command.main()


def _carry_out(asked: dict[str, Any]) -> dict[str, Any] | None:
    """The answer; None in the copy, whose streams and arguments are the command's from then on."""
    with ExitStack() as stack:
        given, printed, errors = streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        given.write((asked["text"] or "").encode())
        given.seek(0)
        parent = os.getpid()
        copy = os.fork()
        if copy == 0:
            tether.tie_to(parent)
            for number, stream in enumerate(streams):
                os.dup2(stream.fileno(), number)
            sys.stdin = os.fdopen(os.dup(0), encoding="utf-8")
            sys.argv = ["hbot", *asked["arguments"]]
            return None
        code = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
        for stream in streams:
            stream.seek(0)
        outputs = {"printed": printed, "errors": errors}
        return {"code": code} | {name: stream.read().decode(errors="replace") for name, stream in outputs.items()}


if __name__ == "__main__":
    main()
