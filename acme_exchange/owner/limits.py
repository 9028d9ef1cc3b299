"""Says what the owner may write for how many requests or orders a second an account may send."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt, TypeAdapter

AS_FOR_ANY = "default"
MOST_A_SECOND = 100_000
A_SECOND = f"write how many a second, from 1 to {MOST_A_SECOND}, or default"

RateLimit = Annotated[StrictInt, Field(ge=1, le=MOST_A_SECOND)] | Literal["default"]
RATE_LIMIT: TypeAdapter[int | str] = TypeAdapter(RateLimit)
