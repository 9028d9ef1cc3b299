"""Serves the venue: REST and WebSocket as the Acme API describes them, over the engine."""
