import tempfile
import unittest
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

from hummingbot.client import settings
from hummingbot.client.config.config_helpers import (
    ClientConfigAdapter,
    api_keys_from_connector_config_map,
    get_connector_class,
)
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.connector.derivative.acme_perpetual import (
    acme_perpetual_servers as servers,
    acme_perpetual_utils as utils,
)
from hummingbot.data_feed.market_data_provider import MarketDataProvider


class AcmePerpetualUtilsTests(unittest.TestCase):
    def test_server_is_reduced_to_its_origin(self):
        for written, used in {
            "http://127.0.0.1:8600": "http://127.0.0.1:8600",
            " http://127.0.0.1:8600/ ": "http://127.0.0.1:8600",
            "http://127.0.0.1:8600/api": "http://127.0.0.1:8600",
            "https://acme.example/api/": "https://acme.example",
            "HTTPS://Acme.Example:8443": "https://acme.example:8443",
            "https://acme.example:443/api": "https://acme.example",
            "http://localhost:9000": "http://localhost:9000",
            "http://127.200.3.4": "http://127.200.3.4",
            "http://[::1]:8600": "http://[::1]:8600",
        }.items():
            with self.subTest(written):
                self.assertEqual(used, servers.normalized_server(written))

    def test_no_server_stays_no_server(self):
        for nothing in ("", "   ", None):
            self.assertEqual("", servers.normalized_server(nothing))

    def test_what_is_no_url_is_refused_with_what_to_write(self):
        for written in (
            "acme",
            "127.0.0.1:8600",
            "ftp://127.0.0.1",
            "http://",
            "http:127.0.0.1",
            "https://acme.example:99999",
            "https://acme example",
            "https://acme$example",
            "BEGIN SECRET",
        ):
            with (
                self.subTest(written),
                self.assertRaisesRegex(ValueError, r"no URL\. Write an address such as https://"),
            ):
                servers.normalized_server(written)

    def test_more_than_a_server_is_refused(self):
        for written in (
            "https://acme.example/v2",
            "https://me:pass@acme.example",
            "https://acme.example/?a=1",
            "https://acme.example/#x",
            "https://acme.example/api/api",
        ):
            with self.subTest(written), self.assertRaisesRegex(ValueError, "more than a server"):
                servers.normalized_server(written)

    def test_http_is_for_this_machine_only(self):
        for written in (
            "http://10.0.0.7:8600",
            "http://acme.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://0.0.0.0:8600",
            "http://[::2]",
        ):
            with self.subTest(written), self.assertRaisesRegex(ValueError, "with https://"):
                servers.normalized_server(written)

    def test_a_secret_in_the_wrong_place_is_not_repeated(self):
        for written in ("s3cret-of-mine", "https://s3cret-of-mine@acme.example", "http://s3cret-of-mine.example"):
            with self.assertRaises(ValueError) as refusal:
                servers.normalized_server(written)
            self.assertNotIn("s3cret", str(refusal.exception))


class AcmePerpetualConfigMapTests(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.config = ClientConfigAdapter(utils.AcmePerpetualConfigMap.model_construct())

    def test_the_loader_finds_the_connector(self):
        setting = AllConnectorSettings.create_connector_settings()["acme_perpetual"]

        self.assertEqual("AcmePerpetualDerivative", setting.class_name())
        self.assertEqual("BTC-USD", setting.example_pair)
        self.assertTrue(setting.centralised)

    def test_default_fees_are_the_venues(self):
        self.assertEqual(Decimal("0.0002"), utils.DEFAULT_FEES.maker_percent_fee_decimal)
        self.assertEqual(Decimal("0.0005"), utils.DEFAULT_FEES.taker_percent_fee_decimal)
        self.assertEqual("USD", utils.DEFAULT_FEES.percent_fee_token)
        self.assertFalse(utils.DEFAULT_FEES.buy_percent_fee_deducted_from_returns)

    def test_connect_asks_for_four_values_and_hides_what_is_secret(self):
        asked = {
            item.attr: item.client_field_data.is_secure
            for item in self.config.traverse()
            if item.client_field_data.is_connect_key
        }

        self.assertEqual(
            {
                "acme_perpetual_api_key": True,
                "acme_perpetual_api_secret": True,
                "acme_perpetual_server": False,
                "acme_perpetual_subaccount": False,
            },
            asked,
        )
        for attribute in asked:
            client_data = self.config.get_client_data(attribute)
            self.assertTrue(client_data.prompt_on_new)
            self.assertIn("Enter", client_data.prompt)

    def test_values_reach_the_connector_under_the_names_of_its_arguments(self):
        self.config.acme_perpetual_api_key = " the-key "
        self.config.acme_perpetual_api_secret = "the-secret\n"
        self.config.acme_perpetual_server = "https://acme.example/"
        self.config.acme_perpetual_subaccount = " my grid "

        self.assertEqual(
            {
                "acme_perpetual_api_key": "the-key",
                "acme_perpetual_api_secret": "the-secret",
                "acme_perpetual_server": "https://acme.example",
                "acme_perpetual_subaccount": "my grid",
            },
            api_keys_from_connector_config_map(self.config),
        )

    async def test_the_second_connector_is_asked_the_same_and_told_which_it_is(self):
        config = ClientConfigAdapter(utils.AcmePerpetualSecondConfigMap.model_construct())
        config.acme_perpetual_second_api_key = " the-key "
        config.acme_perpetual_second_api_secret = "the-secret"
        config.acme_perpetual_second_server = "https://second.example/api"
        config.acme_perpetual_second_subaccount = ""
        setting = AllConnectorSettings.create_connector_settings()["acme_perpetual_second"]

        connector = get_connector_class("acme_perpetual_second")(
            **setting.conn_init_parameters(["ETH-USD"], api_keys=api_keys_from_connector_config_map(config))
        )

        self.assertEqual(("acme_perpetual_second", "https://second.example"), (connector.name, connector.domain))
        self.assertEqual("the-key", connector.authenticator.api_key)
        self.assertEqual("acme_perpetual", get_connector_class("acme_perpetual")().name)
        for attribute in ("api_key", "api_secret", "server", "subaccount"):
            first, second = f"acme_perpetual_{attribute}", f"acme_perpetual_second_{attribute}"
            asked, asked_second = self.config.get_client_data(first), config.get_client_data(second)
            self.assertEqual(asked.is_secure, asked_second.is_secure)
            self.assertTrue(asked_second.is_connect_key and asked_second.prompt_on_new)
            self.assertNotEqual(asked.prompt, asked_second.prompt)

    def test_the_second_connectors_values_are_refused_with_the_same_sentences(self):
        config = ClientConfigAdapter(utils.AcmePerpetualSecondConfigMap.model_construct())
        with self.assertRaisesRegex(Exception, "^Write the API secret as the venue shows it"):
            config.acme_perpetual_second_api_secret = "two words"
        with self.assertRaisesRegex(Exception, "^The server's address is no URL"):
            config.acme_perpetual_second_server = "{acme}"

    def test_the_connector_for_public_data_is_told_the_users_server(self):
        """Hummingbot makes one of its own for the prices of V2 strategies."""
        self.config.acme_perpetual_server = "https://acme.example"
        self.addCleanup(AllConnectorSettings.reset_connector_config_keys, "acme_perpetual")
        AllConnectorSettings.update_connector_config_keys(self.config.hb_config)

        values = MarketDataProvider.get_connector_config_map("acme_perpetual")

        self.assertEqual("https://acme.example", values["acme_perpetual_server"])

    def test_a_refused_value_is_explained_in_one_plain_sentence(self):
        for attribute, value, sentence in (
            ("acme_perpetual_server", "{acme}", "The server's address is no URL. " + servers.SERVER_HELP),
            ("acme_perpetual_api_key", " ", "Write the API key as the venue shows it: letters, digits and signs."),
            (
                "acme_perpetual_api_secret",
                "two words",
                "Write the API secret as the venue shows it: letters, digits and signs.",
            ),
            (
                "acme_perpetual_subaccount",
                "two\nlines",
                "Write the subaccount's name as the venue shows it, or nothing for the account itself.",
            ),
            ("acme_perpetual_api_key", "kéy", "Write the API key as the venue shows it: letters, digits and signs."),
        ):
            with self.subTest(attribute), self.assertRaises(Exception) as refusal:
                setattr(self.config, attribute, value)
            self.assertEqual(sentence, str(refusal.exception))

    def test_secrets_are_not_in_the_printed_configuration(self):
        self.config.acme_perpetual_api_key = "the-key"
        self.config.acme_perpetual_api_secret = "the-secret"

        self.assertNotIn("the-secret", repr(self.config))
        self.assertNotIn("the-secret", str(self.config.hb_config))
        self.assertNotIn("the-key", repr(self.config))


class ConfiguredShareTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name, "conf_client.yml")
        patched = patch.object(settings, "CLIENT_CONFIG_PATH", self.file)
        patched.start()
        self.addCleanup(patched.stop)

    def test_the_share_is_what_the_clients_setting_says(self):
        self.file.write_text("rate_limits_share_pct: 50.0\n")

        self.assertEqual(Decimal("50"), utils.configured_share())

    def test_all_of_it_where_nothing_is_set(self):
        self.assertEqual(Decimal("100"), utils.configured_share())
        self.file.write_text("instance_id: maker\n")
        self.assertEqual(Decimal("100"), utils.configured_share())

    def test_what_is_no_percentage_is_refused_with_what_to_write(self):
        for written in ("0", "101", "-5", "half", ".nan"):
            self.file.write_text(f"rate_limits_share_pct: {written}\n")
            with self.subTest(written), self.assertRaisesRegex(ValueError, r"no percentage\. Write a number above 0"):
                utils.configured_share()
