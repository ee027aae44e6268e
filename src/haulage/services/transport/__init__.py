"""The one HTTP layer that all services speak through. Only this package knows the HTTP client."""

from haulage.services.transport.guard import dial
from haulage.services.transport.layers import NoEffect, PutRight, TokenRefused, Transport
from haulage.services.transport.limits import Limits, limits
from haulage.services.transport.narrowing import Stated
from haulage.services.transport.piped import Piped
from haulage.services.transport.retries import NotReady, next_attempt
from haulage.services.transport.waits import retry_after_seconds
from haulage.services.transport.wire import (
    PEM_FIX,
    Answer,
    CertificateRefused,
    RateWatchdog,
    Request,
    Streamed,
    Trace,
)

__all__ = [
    "PEM_FIX",
    "Answer",
    "CertificateRefused",
    "Limits",
    "NoEffect",
    "NotReady",
    "Piped",
    "PutRight",
    "RateWatchdog",
    "Request",
    "Stated",
    "Streamed",
    "TokenRefused",
    "Trace",
    "Transport",
    "dial",
    "limits",
    "next_attempt",
    "retry_after_seconds",
]
