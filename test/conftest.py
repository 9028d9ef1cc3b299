from hypothesis import settings

# The same examples every time: a run that fails can be repeated, and none fails for being slow on a busy machine.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
