"""Remembers for ever which client order ids were used, in eight bytes each."""

from array import array
from bisect import bisect_left
from hashlib import blake2b

BUCKETS = 4_096


class UsedIds:
    """A set of pairs of account and client id that only grows, and keeps of each no more than 64 bits of its digest.

    So it may take an id for used that is not: with a million ids kept, once in eighteen trillion times.
    """

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(BUCKETS)]

    def __contains__(self, pair: tuple[str, str]) -> bool:
        digest = _digest(pair)
        bucket = self._buckets[digest % BUCKETS]
        position = bisect_left(bucket, digest)
        return position < len(bucket) and bucket[position] == digest

    def add(self, pair: tuple[str, str]) -> None:
        digest = _digest(pair)
        bucket = self._buckets[digest % BUCKETS]
        bucket.insert(bisect_left(bucket, digest), digest)


def _digest(pair: tuple[str, str]) -> int:
    text = "\0".join(pair).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest())
