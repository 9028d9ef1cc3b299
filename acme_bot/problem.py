"""What ends a command of `acme-bot` with a sentence instead of a traceback."""


class Problem(Exception):
    """What is wrong, and what to do about it, in words for the user. The command line prints it and exits with 1."""
