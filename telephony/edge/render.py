"""The files of an edge, from the settings: Kamailio, rtpengine, coturn, systemd, compose."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mako.template import Template

from telephony.settings import EdgeSettings
from voicebot.core.errors import ConfigurationError

_HERE = Path(__file__).parent
SECRET_FILE = "turnserver.conf"  # noqa: S105  a name
"""The one file that holds a secret."""
_ANY = "0.0.0.0"  # noqa: S104  compared, not bound


@dataclass(frozen=True, slots=True)
class Site:
    """What the edge has to know of the service behind it.

    ``workers`` are ``host:port`` of SIP over UDP; the most calls are those of one worker.
    """

    workers: Sequence[str]
    max_calls: int
    max_browser_calls: int
    max_call_s: int
    drain_s: float
    turn_secret: str
    home: Path


def edge_files(edge: EdgeSettings, site: Site, folder: Path) -> dict[str, str]:
    """Name > text of every file of an edge; ``folder`` is where Kamailio will find its lists.

    Raises `ConfigurationError` when a setting is missing without which an edge cannot work.
    """
    if edge.listen_address == _ANY:
        raise ConfigurationError(
            "没有设置边缘的地址。",
            code="edge_address_missing",
            remedy="请在 [edge] 里把 listen_address 设为这台机器面向中继的地址。",
        )
    if not edge.trunks:
        raise ConfigurationError(
            "没有设置中继的网络，谁也打不进来。",
            code="edge_trunks_missing",
            remedy='请在 [edge] 里写明 trunks，例如 trunks = ["10.1.2.3/32"]。',
        )
    names = sorted(path.name.removesuffix(".mako") for path in _HERE.glob("*.mako"))
    return {
        name: _render(name, edge, site, folder)
        for name in names
        if name != SECRET_FILE or site.turn_secret  # without a secret anybody could send traffic through it
    }


def _programs(folder: Path, site: Site) -> list[tuple[str, str, str]]:
    """Name, Debian package and command line (JSON) of what runs at the edge."""
    commands = {
        "kamailio": ("kamailio", ["kamailio", "-f", f"{folder}/kamailio.cfg", "-DD", "-E"]),
        "rtpengine": ("rtpengine-daemon", ["rtpengine", "--config-file", f"{folder}/rtpengine.conf", "--foreground"]),
        "coturn": ("coturn", ["turnserver", "-c", f"{folder}/{SECRET_FILE}"]),
    }
    return [
        (name, package, json.dumps(command))
        for name, (package, command) in commands.items()
        if name != "coturn" or site.turn_secret
    ]


def _render(name: str, edge: EdgeSettings, site: Site, folder: Path) -> str:
    template = Template(filename=str(_HERE / f"{name}.mako"), strict_undefined=True)  # noqa: S702  no HTML
    text = template.render(
        programs=_programs(folder, site),
        edge=edge,
        folder=folder,
        workers=site.workers,
        worker_hosts=sorted({worker.rpartition(":")[0] for worker in site.workers}),
        max_calls=site.max_calls,
        max_browser_calls=site.max_browser_calls,
        max_call_s=site.max_call_s,
        drain_s=site.drain_s,
        turn_secret=site.turn_secret,
        home=site.home,
    )
    return str(text)
