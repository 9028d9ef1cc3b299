"""What goes wrong for reasons that its user can do something about."""


class UserError(Exception):
    """A sentence to whoever runs the program: what is wrong, and what to do. The command line prints it and ends."""
