"""The log: one JSON object per line on standard error, without anything about a patient.

A line of ours is a constant event and fields that we chose. A line of a library (the server's own
included) may carry anything a caller sent, so only its constant part is kept; an exception is
told by its type and the places in our files it came through, with its message only when it is one
of ours.
"""

from __future__ import annotations

import json
import logging
import logging.config
import sys
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from cds_service.errors import CDSServiceError

_OURS = "cds_service"
_PACKAGE = Path(__file__).resolve().parent
_SERVER = "gunicorn."
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_encode = json.JSONEncoder(default=str).encode
_TALKATIVE = ("alembic", "psycopg", "requests", "sqlalchemy", "urllib3")

# Lines of the server whose arguments say only how it runs: host, port, signal, worker kind.
_SERVER_LINES = frozenset(
    {
        "Starting gunicorn %s",
        "Booting worker with pid: %s",
        "Worker exiting (pid: %s)",
        "Shutting down: %s",
        "Listening at: %s (%s)",
        "Using worker: %s",
        "Handling signal: %s",
        "Connection in use: %s",
        "Can't connect to %s",
        "WORKER TIMEOUT (pid:%s)",
        "Worker (pid:%s) exited with code %s.",
        "Worker (pid:%s) was sent %s!",
        "Worker (pid:%s) was sent %s! Perhaps out of memory?",
    }
)


class JSONFormatter(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
        }
        line |= _told(record) if _is_ours(record) else _constant_part(record)
        if record.exc_info and record.exc_info[1]:
            line["error"] = described(record.exc_info[1])
        return _encode(line)


def configuration(level: str) -> dict[str, Any]:
    """The set-up, as ``dictConfig`` and gunicorn's ``logconfig_dict`` take it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JSONFormatter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "json",
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            # At DEBUG these tell every statement, address and byte, and slow every call for it.
            **{name: {"level": "WARNING"} for name in _TALKATIVE},
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            # Our own access line replaces the server's, which holds the query string.
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }


def configure(level: str) -> None:
    """Send every log line, warning and uncaught exception of this process through the formatter."""
    logging.config.dictConfig(configuration(level))
    logging.captureWarnings(True)
    # A line that cannot be written would else be told on standard error with all its arguments.
    logging.raiseExceptions = False
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_uncaught_in_thread


def described(error: BaseException) -> dict[str, Any]:
    """An exception without what it may quote: type, our frames, its message only if it is ours."""
    told: dict[str, Any] = {"type": type(error).__name__, "at": _our_frames(error.__traceback__)}
    if isinstance(error, CDSServiceError):
        told["message"] = str(error)
    if cause := error.__cause__ or error.__context__:
        told["cause"] = {"type": type(cause).__name__, "at": _our_frames(cause.__traceback__)}
    return told


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == _OURS or record.name.startswith(f"{_OURS}.")


def _told(record: logging.LogRecord) -> dict[str, Any]:
    fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {"event": record.getMessage(), **fields}


def _constant_part(record: logging.LogRecord) -> dict[str, Any]:
    """The part of a library's line that is written in its source."""
    template = str(record.msg)
    if template in _SERVER_LINES:
        event = record.getMessage()
    elif record.args:
        event = template
    elif record.name.startswith(_SERVER):
        # Perhaps formatted before it was logged: what a caller sent stands behind the colon.
        event = template.partition("\n")[0].partition(":")[0]
    else:  # nobody knows which part of it is constant; the place in its source tells what it says
        event = "a library said something"
    return {"event": event, "logger": record.name, "line": f"{record.module}:{record.lineno}"}


def _our_frames(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)
    return [
        f"{Path(frame.filename).relative_to(_PACKAGE.parent)}:{frame.lineno}"
        for frame in frames
        if Path(frame.filename).is_relative_to(_PACKAGE)
    ]


def _log_uncaught(
    _type: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger(_OURS).critical("uncaught exception", exc_info=error.with_traceback(trace))


def _log_uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is not None:
        _log_uncaught(caught.exc_type, caught.exc_value, caught.exc_traceback)


def _log_unraisable(caught: sys.UnraisableHookArgs) -> None:
    """What failed where nobody could catch it: while something was thrown away, or at the end."""
    if isinstance(caught.exc_value, Exception):
        logging.getLogger(_OURS).error("uncaught exception", exc_info=caught.exc_value)
