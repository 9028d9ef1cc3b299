"""Makes the client ids of orders."""

from functools import cached_property

import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.connector import utils
from hummingbot.core.data_type.common import TradeType

INSTANCE_LETTERS = 32  # at the end of an id of Hummingbot's: of the machine and the process


class OrderIds:
    """Makes the ids that `get_new_client_order_id` makes, which works out with each order what machine it runs on, and
    takes longer for that than the order needs to be signed. Here that is done once."""

    def new(self, trade_type: TradeType, trading_pair: str) -> str:
        """An id that no other order has.

        :param trading_pair: such as `BTC-USD`
        """
        side = "B" if trade_type is TradeType.BUY else "S"
        letters = "".join([asset[0] + asset[-1] for asset in trading_pair.upper().split("-")])
        nonce = utils.get_tracking_nonce()
        order_id = f"{CONSTANTS.HBOT_ORDER_ID_PREFIX}{side}{letters}{nonce:x}{self._instance}".replace("$", "")
        return order_id[: CONSTANTS.MAX_ORDER_ID_LENGTH]

    @cached_property
    def _instance(self) -> str:
        return utils.get_new_client_order_id(is_buy=True, trading_pair="BTC-USD")[-INSTANCE_LETTERS:]
