"""How many examples hypothesis tries: fewer in `make test`, which is run often, than in `make thorough`."""

from hypothesis import settings

USUAL, THOROUGH = 20, 400


def register_profiles() -> None:
    """Both try the same examples every time: a run that fails can be repeated, and none fails for being slow on a busy
    machine. `--hypothesis-profile` chooses one."""
    settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=USUAL)
    settings.register_profile("thorough", derandomize=True, deadline=None, max_examples=THOROUGH)
    settings.load_profile("repeatable")


def examples(usual: int) -> int:
    """How many to try where `make test` tries so many."""
    return usual * settings().max_examples // USUAL
