"""Where and of what a result was measured."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def described() -> dict[str, Any]:
    """The machine, the commit and the moment; "+" behind a commit: files differ from it."""
    return {
        "commit": _git("rev-parse", "--short=7", "HEAD") + ("+" if _is_changed() else ""),
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "machine": {
            "cpu": _cpu(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        },
    }


def _is_changed() -> bool:
    """Whether the code that is measured is not the code of the commit."""
    return bool(_git("status", "--porcelain", "--", "cds_service", "rules", "benchmarks/*.py"))


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _cpu() -> str:
    """Its name where Linux tells it, which ``platform`` does not."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
