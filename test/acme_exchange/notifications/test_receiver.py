"""Who is told, by the address, and in which form."""

import json

import pytest

from acme_exchange.notifications.receiver import Message, NoReceiver, receiver, receiver_of_environment

TOKEN = "hush-hush"


@pytest.mark.parametrize(
    "address, name",
    [
        (f"https://discord.com/api/webhooks/123456/{TOKEN}", "Discord"),
        (f"https://discordapp.com/api/webhooks/123456/{TOKEN}", "Discord"),
        (f"https://ptb.discord.com/api/v10/webhooks/123456/{TOKEN}?wait=true&thread_id=5", "Discord"),
        (f"https://discord.com/api/webhooks/123456/{TOKEN}/slack", "Slack"),
        (f"https://hooks.slack.com/services/T000/B000/{TOKEN}", "Slack"),
        (f"https://hooks.slack.com/triggers/T000/1/{TOKEN}", "Slack"),
        (f"https://chat.example.org/hooks/{TOKEN}", "Slack"),
        (f"https://ntfy.sh/{TOKEN}", "ntfy"),
        (f"http://127.0.0.1:8080/{TOKEN}", "ntfy"),
        (f"https://me:{TOKEN}@ntfy.example.org/alarms", "ntfy"),
        ("https://ntfy.sh/webhooks", "ntfy"),
    ],
)
def test_the_address_tells_who_it_is_and_is_shown_nowhere(address, name):
    found = receiver(f" {address}\n")
    assert found.name == name
    assert str(found.url) == address
    assert TOKEN not in repr(found) + str(found) + f"{[found]}"


@pytest.mark.parametrize(
    "address",
    [
        "",
        TOKEN,
        f"ntfy.sh/{TOKEN}",
        f"ftp://ntfy.sh/{TOKEN}",
        f"https://{TOKEN}.example.org",
        f"https:///{TOKEN}",
        f"http://127.0.0.1:99999/{TOKEN}",
        f"http://127.0.0.1:port/{TOKEN}",
        f"http://[{TOKEN}",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(address):
    with pytest.raises(NoReceiver) as refused:
        receiver(address)
    assert "such as https://ntfy.sh/your-topic" in str(refused.value)
    assert refused.value.__cause__ is None
    assert TOKEN not in repr(refused.value)


def test_the_environment_names_one_or_none(monkeypatch):
    monkeypatch.delenv("ACME_NOTIFY_URL", raising=False)
    assert receiver_of_environment() is None
    monkeypatch.setenv("ACME_NOTIFY_URL", " ")
    assert receiver_of_environment() is None
    monkeypatch.setenv("ACME_NOTIFY_URL", "https://ntfy.sh/topic")
    assert receiver_of_environment().name == "ntfy"
    monkeypatch.setenv("ACME_NOTIFY_URL", TOKEN)
    with pytest.raises(NoReceiver, match="^ACME_NOTIFY_URL: write the whole address"):
        receiver_of_environment()


def test_discord_shows_the_text_as_it_is_and_pings_nobody():
    found = receiver(f"https://discord.com/api/webhooks/1/{TOKEN}")
    message = Message("my_bot bought *much* @everyone\nsecond")
    assert json.loads(found.body(message)) == {
        "username": "Acme",
        "content": r"my\_bot bought \*much\* @everyone" + "\nsecond",
        "allowed_mentions": {"parse": []},
    }
    assert found.headers(message) == {"Content-Type": "application/json"}
    assert len(json.loads(found.body(Message("_" * 3000)))["content"]) == 2000


def test_slack_shows_the_text_as_it_is():
    found = receiver(f"https://hooks.slack.com/services/T/B/{TOKEN}")
    assert json.loads(found.body(Message("a <!channel> & b"))) == {
        "text": "a &lt;!channel&gt; &amp; b",
        "mrkdwn": False,
    }


def test_ntfy_takes_plain_text_and_rings_for_what_cannot_wait():
    found = receiver(f"https://ntfy.sh/{TOKEN}")
    assert found.body(Message("grüße")) == "grüße".encode()
    plain = {"Content-Type": "text/plain; charset=utf-8", "Title": "Acme"}
    assert found.headers(Message("a")) == plain
    assert found.headers(Message("a", is_urgent=True)) == plain | {"Priority": "4"}


@pytest.mark.parametrize(
    "address, is_readable", [("http://ntfy.lan/a", True), ("https://ntfy.lan/a", False), ("http://127.0.0.1/a", False)]
)
def test_an_address_that_can_be_read_on_its_way_is_known(address, is_readable):
    assert receiver(address).is_readable_on_its_way is is_readable
