"""Where and from what a result came."""

import os
import platform
import subprocess
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _head() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=_HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


_COMMIT = _head()  # asked when the program is loaded: a long run measures that code, whatever is committed meanwhile


def provenance(manifest: Path) -> dict[str, str]:
    """Input, machine and commit, for a result file."""
    return {
        "input": _short(manifest.resolve(), _HERE.parent),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "commit": _COMMIT,
    }


def _short(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name
