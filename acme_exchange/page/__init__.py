"""The venue's page: what a browser shows at `/`, and how it signs in."""
