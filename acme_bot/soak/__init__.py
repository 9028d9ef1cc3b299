"""The soak: hours of steady trading on five markets, to see whether memory, delays or queues keep rising."""

SHORTEST_SECONDS = 20
