"""Security headers, cookies and the log: what every answer carries and what no line of the log may."""

import json
import logging
import sys
import time
import traceback
from pathlib import Path

from flask import Flask, Response, g, request
from typing_extensions import override

from vault.settings import Settings

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Robots-Tag": "noindex, nofollow",
}

LOG_KEYS = frozenset({"at", "level", "logger", "event", "method", "route", "status", "ms", "error", "where"})
"""Everything a log line may hold. A route is its pattern, never the address asked for."""


class AllowedKeys(logging.Formatter):
    """JSON lines of allowed keys only: a message or a traceback could carry a name, so neither is written."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        line |= {key: getattr(record, key) for key in LOG_KEYS if key not in line and hasattr(record, key)}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)


log = logging.getLogger("vault")


def where(error: BaseException) -> str:
    """The file and line that raised, with no value of any variable."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-4:]))


def start_log() -> None:
    """Send every logger of this process through the allow-list."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AllowedKeys())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel(logging.INFO)


def harden(app: Flask, settings: Settings) -> None:
    """Cookies, limits and headers for every answer, and one log line for each."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-page" if settings.tls else "page",
        SESSION_COOKIE_SECURE=settings.tls,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=512 * 1024,
        MAX_FORM_PARTS=400,
        WTF_CSRF_TIME_LIMIT=None,
    )

    @app.before_request
    def start_clock() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.update(HEADERS)
        if settings.tls:
            response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        if request.endpoint == "static":
            response.headers["Cache-Control"] = "public, max-age=3600"
        else:
            response.headers["Cache-Control"] = "no-store"
            took = (time.perf_counter() - g.get("started", time.perf_counter())) * 1000
            log.info(
                "",
                extra={
                    "event": "answered",
                    "method": request.method,
                    "route": request.url_rule.rule if request.url_rule else "none",
                    "status": response.status_code,
                    "ms": round(took, 1),
                },
            )
        return response
