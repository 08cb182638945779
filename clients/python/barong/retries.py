"""Which requests are sent again, and when."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Callable, Optional

from .errors import ApiError, NoResponseError
from .operations import COUNTED, REPEATABLE


@dataclass(frozen=True)
class Retries:
    """How often a request is sent, and how long the client waits in between. Times are in seconds.

    A request is sent again where that is safe: every operation where no connection
    was made; all but signOTP after 429, 503, 409 with Retry-After, and where the
    response did not arrive. A write may have been executed in these cases; its
    idempotency key has the server execute it once and repeat the first response.
    """

    attempts: int = 3
    """How often a request is sent at most; 1 turns retries off."""
    backoff: float = 0.2
    """The upper bound of the first wait, which doubles with each attempt. The wait is random between 0 and the bound."""
    max_backoff: float = 10.0
    """The largest upper bound."""
    max_retry_after: float = 60.0
    """How much of a Retry-After is waited for. The wait is no shorter."""
    writes: bool = True
    """Whether writes other than updateLabel are retried after 503, 409 and without a response. Set it to False for a
    server that ignores the header Idempotency-Key, such as Barong itself, which may execute a retried write twice."""
    sleep: Callable[[float], object] = time.sleep
    random: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("a request needs at least one attempt")

    def wait(self, operation: Optional[str], error: ApiError, attempt: int) -> Optional[float]:
        """The seconds to wait after an attempt, which count from 1, or None where there is to be no other."""
        if attempt >= self.attempts or not self._may_repeat(operation, error):
            return None
        jittered = self.random() * min(self.max_backoff, self.backoff * 2.0 ** (attempt - 1))
        return max(jittered, min(error.retry_after or 0.0, self.max_retry_after))

    def _may_repeat(self, operation: Optional[str], error: ApiError) -> bool:
        harmless = operation in REPEATABLE or self.writes and operation is not None and operation not in COUNTED
        if isinstance(error, NoResponseError):
            return not error.sent or harmless
        if error.status == 429:
            return operation not in COUNTED
        # With Retry-After, the first attempt is still being executed.
        return harmless and (error.status == 503 or error.status == 409 and error.retry_after is not None)
