"""Sends messages about fills, liquidations and silent bots, through Discord, Slack or ntfy."""
