import gc
import signal

from test import processor_time, scheduling, thoroughness

thoroughness.register_profiles()


def pytest_addoption(parser):
    parser.addoption("--restarts", type=int, default=5, help="how often a venue under load is killed")
    parser.addoption("--power-cuts", type=int, default=3, help="how often its machine loses its power")
    parser.addoption("--kill-seed", type=int, default=1, help="when, and what the traders do")
    parser.addoption("--keep-transcripts", action="store_true", help="keep what the strategies' runs show for the docs")
    processor_time.add_options(parser)
    scheduling.add_options(parser)


def pytest_configure(config):
    processor_time.configure(config)
    scheduling.configure(config)
    # A run that a shell has started in the background ignores Ctrl-C, and so would all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What is imported and collected stays to the end: nobody need look for garbage in it, now or at any test.
    gc.disable()


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


def pytest_itemcollected(item):
    """Gives schemathesis' tests, one for each operation of the API, ids of their own."""
    if label := getattr(item, "operation_label", None):
        item._id = item.id.with_params(label)
