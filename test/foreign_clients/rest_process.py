"""Runs the client of the package `ftx`: each line of the input names whom it is for, a method and its arguments, each
of the output is what that returned or raised."""

import json
import sys

from ftx.api import FtxClient

# The client prints what it is about.
output, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    settings, method, arguments = json.loads(line)
    try:
        answer = {"returned": getattr(FtxClient(**settings), method)(**arguments)}
    except Exception as error:
        answer = {"raised": str(error)}
    print(json.dumps(answer), file=output, flush=True)
