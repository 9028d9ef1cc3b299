"""The client ids of orders."""

import secrets

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.utils.tracking_nonce import get_tracking_nonce


class OrderIds:
    """Makes ids that look as Hummingbot's own: its prefix, the side, the pair's letters, the time.

    What tells them from another bot's is a random number of the connector's. Hummingbot works out the machine's name
    with each order, and takes longer for that than the order needs to be signed.
    """

    def __init__(self):
        self._own = secrets.token_hex(16)

    def new(self, trade_type: TradeType, trading_pair: str) -> str:
        """An id that no other order has.

        :param trading_pair: such as `BTC-USD`
        """
        side = "B" if trade_type is TradeType.BUY else "S"
        letters = "".join([asset[0] + asset[-1] for asset in trading_pair.upper().split("-")])
        order_id = f"{CONSTANTS.HBOT_ORDER_ID_PREFIX}{side}{letters}{get_tracking_nonce():x}{self._own}"
        return order_id[: CONSTANTS.MAX_ORDER_ID_LENGTH]
