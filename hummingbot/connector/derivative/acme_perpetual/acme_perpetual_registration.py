"""Registers with Hummingbot what it does not find in a connector's folder by itself: candles and a source of rates.

Hummingbot keeps maps of both. None of its files is changed: the entries are made when it imports
`acme_perpetual_utils`, which it does at every start, whoever starts it, because it looks for connectors. That happens
half-way through other imports: what they are still waiting for is registered after them. What is registered is of the
kind that the others are, classes, since some who use these maps look at more than they call.
"""

import sys
from contextlib import suppress
from importlib import import_module
from importlib.abc import MetaPathFinder
from types import ModuleType

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS


def register_with_hummingbot():
    """Makes the candles known to `CandlesFactory`, and the source of rates to the rate oracle and to the client's
    settings. Doing it again changes nothing."""
    for name in (CANDLES_FACTORY, RATE_ORACLE):
        with suppress(ImportError):  # of what is half-way through its own import; it is registered after that
            import_module(name)
    if not _register_with_imported():
        sys.meta_path.insert(0, _ImportWatch())


class _ImportWatch(MetaPathFinder):
    """Finds nothing; notices the imports that come after those of Hummingbot's maps, until all of them are there.

    The client's settings are what looks for connectors, half-way through their own import: their map is not there yet,
    and nothing of ours is called again. `config_helpers`, by which every settings file is read, imports them and then
    something else.
    """

    def find_spec(self, *args, **kwargs) -> None:
        if _register_with_imported() and self in sys.meta_path:
            sys.meta_path.remove(self)


def _register_with_imported() -> bool:
    """Registers with the modules that have been imported. Returns whether all have."""
    waiting = False
    for name, (last_attribute, register) in _REGISTRATIONS.items():
        module = sys.modules.get(name)
        try:
            if module is None or not hasattr(module, last_attribute):
                raise ImportError
            register(module)
        except ImportError:  # what is registered stands on something that is half-way through its own import
            waiting = True
    return not waiting


def _register_candles(candles_factory: ModuleType):
    from hummingbot.data_feed.candles_feed import acme_perpetual_candles as candles

    feeds = candles.AcmePerpetualCandles, candles.AcmePerpetualSecondCandles
    candles_factory.CandlesFactory._candles_map.update({feed.connector_name: feed for feed in feeds})


def _register_rate_source(rate_oracle: ModuleType):
    from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_rate_source import AcmePerpetualRateSource

    rate_oracle.RATE_ORACLE_SOURCES[CONSTANTS.EXCHANGE_NAME] = AcmePerpetualRateSource


def _register_rate_source_mode(client_config: ModuleType):
    modes = client_config.RATE_SOURCE_MODES
    if CONSTANTS.EXCHANGE_NAME not in modes:
        modes[CONSTANTS.EXCHANGE_NAME] = _rate_source_mode(client_config.GateIoRateSourceMode)


def _rate_source_mode(accepted_mode: type) -> type:
    """The settings of our source. The client's settings accept the modes that they were defined with, and what is
    derived from one; all that is taken from it is that its source is built without anything else."""

    class AcmePerpetualRateSourceMode(accepted_mode):
        name: str = CONSTANTS.EXCHANGE_NAME
        model_config = {"title": CONSTANTS.EXCHANGE_NAME}

    return AcmePerpetualRateSourceMode


CANDLES_FACTORY = "hummingbot.data_feed.candles_feed.candles_factory"
RATE_ORACLE = "hummingbot.core.rate_oracle.rate_oracle"
CLIENT_CONFIG = "hummingbot.client.config.client_config_map"

# Each module, the last that it defines, and what to do when it is there.
_REGISTRATIONS = {
    CANDLES_FACTORY: ("CandlesFactory", _register_candles),
    RATE_ORACLE: ("RateOracle", _register_rate_source),
    CLIENT_CONFIG: ("ClientConfigMap", _register_rate_source_mode),
}
