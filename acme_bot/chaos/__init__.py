"""Chaos: three real bots trade on one venue while every fault strikes and processes are killed; at the end the bots'
records and the venue's ledger have to agree."""
