"""The help texts of both commands: whoever meets a command for the first time learns what each word of it does."""

import argparse
from collections.abc import Iterator

import pytest

from acme_bot import cli as bot
from acme_exchange.cli import commands as exchange

PROGRAMS = [exchange, bot]
SHORTEST = len("add money to an account")


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from parsers(each)


COMMANDS = [each for program in PROGRAMS for each in parsers(program._parser())]


def arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    skipped = argparse._HelpAction, argparse._SubParsersAction
    return [each for each in parser._actions if not isinstance(each, skipped)]


@pytest.mark.parametrize("parser", COMMANDS, ids=lambda parser: parser.prog)
def test_a_command_says_in_a_sentence_what_it_does(parser):
    assert parser.description is not None
    assert len(parser.description) > SHORTEST
    assert parser.description[0].isupper()
    assert parser.description.endswith(".")


@pytest.mark.parametrize("parser", COMMANDS, ids=lambda parser: parser.prog)
def test_every_argument_says_what_it_means_and_its_default(parser):
    for argument in arguments(parser):
        text = argument.help or ""
        assert len(text) >= SHORTEST, f"{parser.prog} {argument.dest}: {text!r}"
        if argument.default not in (None, False, [], argparse.SUPPRESS):
            assert "(default: " in text, f"{parser.prog} {argument.dest}: {text!r}"


@pytest.mark.parametrize("parser", COMMANDS, ids=lambda parser: parser.prog)
def test_no_help_text_shows_what_only_the_parser_knows(parser):
    shown = parser.format_help()

    assert "None" not in shown
    assert "%(" not in shown


def test_the_options_of_the_venue_stand_in_groups_with_titles():
    serve = next(each for each in COMMANDS if each.prog == "acme-exchange serve")

    groups = {group.title: [each.dest for each in group._group_actions] for group in serve._action_groups}

    assert groups.pop("options") == ["help"]
    assert groups.pop("positional arguments") == []
    assert {"listening and TLS", "accounts", "what is kept, and where", "markets and prices"} < set(groups)
    assert all(groups.values())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_folder_with_a_percent_sign_is_shown_as_it_is(program, monkeypatch, tmp_path):
    folder = tmp_path / "50 % of it"
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    monkeypatch.setattr("acme_exchange.cli.place.DEFAULT_DATA", folder / "acme-exchange")

    shown = "".join("".join(each.format_help().split()) for each in parsers(program._parser()))

    assert "".join(str(folder).split()) in shown
