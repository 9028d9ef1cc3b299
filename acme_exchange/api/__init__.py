"""The venue's serving half: REST and WebSocket as the Acme API describes them, over the engine."""
