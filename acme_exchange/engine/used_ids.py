"""Client order ids that an account has used, in eight bytes each."""

from array import array
from hashlib import blake2b

_BUCKET_BITS = 16


class UsedIds:
    """Remembers texts for ever by a 64-bit digest of each: the memory of a closed order is its client id's alone.

    Two ids of one account with the same digest would make the second a duplicate. Among a million ids the chance that
    any two collide is below one in 30 million.
    """

    def __init__(self) -> None:
        self._buckets: dict[int, array] = {}

    def __contains__(self, text: str) -> bool:
        digest = self._digest(text)
        return digest in self._buckets.get(digest >> (64 - _BUCKET_BITS), ())

    def add(self, text: str) -> None:
        """Remembers `text`, which must not be in yet."""
        self._insert(self._digest(text))

    def dump(self) -> str:
        """All digests as hexadecimal text."""
        return "".join(bucket.tobytes().hex() for _, bucket in sorted(self._buckets.items()))

    @classmethod
    def load(cls, text: str) -> "UsedIds":
        """The ids of a `dump`."""
        used = cls()
        digests = array("Q")
        digests.frombytes(bytes.fromhex(text))
        for digest in digests:
            used._insert(digest)
        return used

    def _insert(self, digest: int) -> None:
        self._buckets.setdefault(digest >> (64 - _BUCKET_BITS), array("Q")).append(digest)

    @staticmethod
    def _digest(text: str) -> int:
        return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
