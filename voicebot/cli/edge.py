"""``voicebot edge config``: the files of Kamailio, rtpengine and coturn in front of the workers."""

from pathlib import Path

import click

from telephony.edge.render import SECRET_FILE, Site, edge_files
from voicebot.app.workers import sip_addresses
from voicebot.core.errors import ConfigurationError
from voicebot.settings import Settings

_HELP = {
    "kamailio.cfg": "kamailio -f …/kamailio.cfg（SIP：只认中继，分给各进程）",
    "workers.list": "kamailio.cfg 引用：各进程的地址",
    "trunks.list": "kamailio.cfg 引用：允许的中继网络",
    "rtpengine.conf": "rtpengine --config-file …/rtpengine.conf（RTP）",
    "turnserver.conf": "turnserver -c …/turnserver.conf（网页拨打穿越防火墙）",
    "voicebot.service": "systemd 单元",
    "compose.yaml": "docker compose -f …/compose.yaml up -d",
}


@click.group(help="边缘：中继与各接听进程之间的 Kamailio、rtpengine、coturn。")
def command() -> None:
    """The group."""


@command.command("config", help="按 [edge]、[sip]、workers 等设置写出边缘的全部配置文件。")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var/edge"),
    show_default=True,
    help="写到哪个目录；kamailio.cfg 会引用这个目录里的名单。",
)
@click.option("--force", is_flag=True, help="目录里已有这些文件时覆盖。")
@click.pass_obj
def config(settings: Settings, out: Path, *, force: bool) -> None:
    """Write the files."""
    site = Site(
        workers=sip_addresses(settings),
        max_calls=settings.sip.max_concurrent_calls,
        max_browser_calls=settings.webrtc.max_concurrent_calls,
        max_call_s=settings.sip.max_call_s,
        drain_s=settings.drain_s,
        turn_secret=settings.webrtc.turn_secret.get_secret_value(),
        home=Path.cwd(),
    )
    out = out.absolute()
    files = edge_files(settings.edge, site, out)
    there = [name for name in files if (out / name).exists()]
    if there and not force:
        raise ConfigurationError(
            f"{out} 里已经有 {'、'.join(there)}。", code="edge_files_exist", remedy="要覆盖请加 --force，或换一个目录。"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = out / name
            path.touch()
            if name == SECRET_FILE:
                path.chmod(0o640)
            path.write_text(text, "utf-8")
            click.echo(f"{path}\n    {_HELP[name]}")
    except OSError as error:
        raise ConfigurationError(
            f"写不进 {out}：{error.strerror}。", code="edge_not_written", remedy="请检查目录的权限和磁盘空间。"
        ) from error
    if SECRET_FILE not in files:
        click.echo("没有写 turnserver.conf：没有设置 webrtc.turn_secret。", err=True)
    click.echo(f"各进程：{'、'.join(site.workers)}", err=True)
