"""Asks for the password with which Hummingbot encrypts a workspace's keys."""

import getpass
import os
import sys

from acme_bot.problem import Problem

VARIABLES = ("HBOT_PASSWORD", "CONFIG_PASSWORD")


def given_password() -> str | None:
    """What the environment has, where Hummingbot looks for it too."""
    return next((value for name in VARIABLES if (value := os.environ.get(name))), None)


def ask_password(is_new: bool) -> str:
    """The password from the environment, or typed: twice when it is a new one. Raises `Problem`."""
    given = given_password()
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise Problem("The keys need a password: set HBOT_PASSWORD, or run this in a terminal.")
    password = getpass.getpass(
        "A new password for this bot's keys: " if is_new else "The password of this bot's keys: "
    )
    if not password:
        raise Problem("The password is empty: choose one.")
    if is_new and getpass.getpass("The same again: ") != password:
        raise Problem("The two are not the same: run this again.")
    return password
