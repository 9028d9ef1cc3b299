"""Hummingbot on Acme: workspaces, the interactive client, and the demo."""
