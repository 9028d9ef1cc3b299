"""What the connector and the venue cost, measured beside Hummingbot's own connectors and the least that is possible."""
