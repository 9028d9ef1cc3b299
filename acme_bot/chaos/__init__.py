"""Chaos: three real bots on one venue, with every fault there is, and kills; at the end both parties' records have to
agree."""
