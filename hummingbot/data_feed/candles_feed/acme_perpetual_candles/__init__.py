from hummingbot.data_feed.candles_feed.acme_perpetual_candles.acme_perpetual_candles import (
    AcmePerpetualCandles,
    AcmePerpetualSecondCandles,
)

__all__ = ["AcmePerpetualCandles", "AcmePerpetualSecondCandles"]
