"""Following a real market: the lines that a feed writes, and what the venue makes of them."""
