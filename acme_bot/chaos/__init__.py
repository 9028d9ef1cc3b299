"""Chaos: three real bots on one venue, with every fault there is, and kills; at the end the books have to agree."""
