"""Tells somebody who is elsewhere of fills, liquidations and silent bots, through Discord, Slack or ntfy."""
