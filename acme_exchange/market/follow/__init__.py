"""Follows a real market: reads the lines that a feed writes, and makes commands of them."""
