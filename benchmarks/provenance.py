"""Where and from what a result came."""

import os
import platform
import subprocess
from pathlib import Path


def provenance(manifest: Path) -> dict[str, str]:
    """Input, machine and commit, for a result file."""
    here = Path(__file__).resolve().parent
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    return {
        "input": _short(manifest.resolve(), here.parent),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "commit": done.stdout.strip() or "unknown",
    }


def _short(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name
