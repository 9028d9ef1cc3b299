"""Serves the venue's page, which a browser shows at `/`, and its signing in."""
