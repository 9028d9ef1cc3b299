"""The soak: hours of steady trading on five markets, and whether anything about the bot or the venue keeps rising."""

SHORTEST_SECONDS = 20
