"""The values that Hummingbot reads before it loads the connector: fees, an example pair, and what `connect` asks
for."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Callable, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

import hummingbot.client.settings as settings
import hummingbot.connector.derivative.acme_perpetual.acme_perpetual_constants as CONSTANTS
from hummingbot.client.config.config_data_types import BaseConnectorConfigMap
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_registration import register_with_hummingbot
from hummingbot.connector.derivative.acme_perpetual.acme_perpetual_servers import normalized_server, setting
from hummingbot.core.data_type.trade_fee import TradeFeeSchema

CENTRALIZED = True

EXAMPLE_PAIR = "BTC-USD"

# Acme API §8. Fees are paid in USD, from the collateral, on top of the trade: nothing is taken off what was bought.
DEFAULT_FEES = TradeFeeSchema(
    percent_fee_token=CONSTANTS.QUOTE_ASSET,
    maker_percent_fee_decimal=Decimal("0.0002"),
    taker_percent_fee_decimal=Decimal("0.0005"),
    buy_percent_fee_deducted_from_returns=False,
)

MOST_SUBACCOUNT_CHARACTERS = 64


def configured_share() -> Decimal:
    """The percentage of an account's rate limits that this Hummingbot's `rate_limits_share_pct` leaves to it.

    Hummingbot tells it only to connectors that are sub-domains of another, so this one reads it from the client's file.

    :raises ValueError: when there is no reading it, or it is no percentage
    """
    share = setting(settings.CLIENT_CONFIG_PATH, "rate_limits_share_pct", "share of the rate limits")
    try:
        percentage = Decimal("100" if share is None else str(share))
    except InvalidOperation:
        percentage = Decimal(0)
    if not (percentage.is_finite() and 0 < percentage <= 100):
        raise ValueError("rate_limits_share_pct is no percentage. Write a number above 0 and up to 100.")
    return percentage


def _credential(name: str) -> Callable[[Any], str]:
    """Takes a key without the spaces that come along when it is copied; refuses what cannot be sent in a header."""

    def checked(value: Any) -> str:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        text = text.strip() if isinstance(text, str) else ""
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise PydanticCustomError(
                "credential", f"Write the API {name} as the venue shows it: letters, digits and signs."
            )
        return text

    return checked


def _server(value: Any) -> str:
    """As `normalized_server`; the error's text is the sentence alone, as Hummingbot shows it."""
    try:
        return normalized_server("" if value is None else str(value))
    except ValueError as error:
        raise PydanticCustomError("server", "{sentence}", {"sentence": str(error)}) from error


def _subaccount(value: Any) -> str:
    name = "" if value is None else str(value).strip()
    if not name.isprintable() or len(name) > MOST_SUBACCOUNT_CHARACTERS:
        raise PydanticCustomError(
            "subaccount", "Write the subaccount's name as the venue shows it, or nothing for the account itself."
        )
    return name


ApiKey = Annotated[SecretStr, BeforeValidator(_credential("key"))]
ApiSecret = Annotated[SecretStr, BeforeValidator(_credential("secret"))]
Server = Annotated[str, BeforeValidator(_server)]
Subaccount = Annotated[str, BeforeValidator(_subaccount)]


def _asked(prompt: str, default: Any = "", is_secure: bool = False) -> Any:
    """A value that `connect` asks for, without one that may be left empty unless it is a key."""
    return Field(
        default=default,
        json_schema_extra={"prompt": prompt, "is_secure": is_secure, "is_connect_key": True, "prompt_on_new": True},
    )


class _AcmeConfigMap(BaseConnectorConfigMap):
    # Hummingbot makes a second connector for public data; only with this does it tell that one which server to ask.
    use_auth_for_public_endpoints: ClassVar[bool] = True


class AcmePerpetualConfigMap(_AcmeConfigMap):
    """The four values that `connect acme_perpetual` asks for; the last two may be left empty."""

    connector: str = CONSTANTS.EXCHANGE_NAME
    acme_perpetual_api_key: ApiKey = _asked("Enter your Acme Perpetual API key", default=..., is_secure=True)
    acme_perpetual_api_secret: ApiSecret = _asked("Enter your Acme Perpetual API secret", default=..., is_secure=True)
    acme_perpetual_server: Server = _asked(f"Enter the address of your Acme server (empty: {CONSTANTS.DEFAULT_SERVER})")
    acme_perpetual_subaccount: Subaccount = _asked("Enter the name of your Acme subaccount (empty: none)")
    model_config = ConfigDict(title=CONSTANTS.EXCHANGE_NAME)


class AcmePerpetualSecondConfigMap(_AcmeConfigMap):
    """The same for `connect acme_perpetual_second`."""

    connector: str = CONSTANTS.SECOND_NAME
    acme_perpetual_second_api_key: ApiKey = _asked("Enter your second Acme API key", default=..., is_secure=True)
    acme_perpetual_second_api_secret: ApiSecret = _asked("Enter that key's secret", default=..., is_secure=True)
    acme_perpetual_second_server: Server = _asked(
        f"Enter the address of its Acme server (empty: {CONSTANTS.DEFAULT_SERVER})"
    )
    acme_perpetual_second_subaccount: Subaccount = _asked("Enter the name of its Acme subaccount (empty: none)")
    model_config = ConfigDict(title=CONSTANTS.SECOND_NAME)


KEYS = AcmePerpetualConfigMap.model_construct()

# A bot that trades on two accounts, or on two servers, has a connector for each: to Hummingbot they are two exchanges.
OTHER_DOMAINS = [CONSTANTS.SECOND_NAME]
OTHER_DOMAINS_PARAMETER = {CONSTANTS.SECOND_NAME: CONSTANTS.SECOND_NAME}
OTHER_DOMAINS_EXAMPLE_PAIR = {CONSTANTS.SECOND_NAME: EXAMPLE_PAIR}
OTHER_DOMAINS_DEFAULT_FEES = {CONSTANTS.SECOND_NAME: DEFAULT_FEES}
OTHER_DOMAINS_KEYS = {CONSTANTS.SECOND_NAME: AcmePerpetualSecondConfigMap.model_construct()}

register_with_hummingbot()
