"""`UserError`: the base of all errors that the user can mend. `acme-exchange` prints their text and ends with 1."""


class UserError(Exception):
    """A sentence to whoever runs the program: what is wrong, and what to do. The command line prints it and ends."""
