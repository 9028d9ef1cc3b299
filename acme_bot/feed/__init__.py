"""Reading a real exchange's public market data through Hummingbot's own data sources, without keys."""
