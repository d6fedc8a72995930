"""The command line. Every command is a file of this package; the table below is the whole list.

Commands are imported only when they are called, so that ``voicebot --help`` is quick and a broken
model does not keep ``voicebot doctor`` from saying so.
"""

import sys
from pathlib import Path

import click
from loguru import logger

from voicebot.cli.lazy import LazyGroup
from voicebot.core.errors import HotlineError
from voicebot.logs import set_up_logs
from voicebot.settings import load_settings

logger.remove()  # libraries that greet on import; `set_up_logs` sends their warnings where ours go

COMMANDS = {
    "serve": ("voicebot.cli.serve", "接听电话：启动服务"),
    "call": ("voicebot.cli.call", "按剧本打一通电话，看全过程"),
    "transcribe": ("voicebot.cli.transcribe", "把录音转成文字"),
    "evaluate": ("voicebot.cli.evaluate", "在数据集上评测听写、知识、派单等"),
    "bench": ("voicebot.cli.bench", "测速与压力"),
    "edge": ("voicebot.cli.edge", "边缘：写出 Kamailio、rtpengine、coturn 的配置"),
    "models": ("voicebot.cli.models", "模型：列出、获取、校验"),
    "doctor": ("voicebot.cli.doctor", "体检：模型、端口、音频、数据库、城市数据"),
    "settings": ("voicebot.cli.settings", "列出全部设置项"),
    "city": ("voicebot.cli.city", "城市数据：校验"),
    "knowledge": ("voicebot.cli.knowledge", "知识库：校验、导入、导出"),
    "routing": ("voicebot.cli.routing", "派单模型：训练、回滚"),
    "db": ("voicebot.cli.database", "数据库：升级、检查、到期清理"),
    "users": ("voicebot.cli.users", "账号：添加、列出、停用、重设密码"),
    "fixtures": ("voicebot.cli.fixtures", "生成测试用来电录音"),
    "adapt": ("voicebot.cli.adapt", "用本地录音适配识别模型"),
}


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="设置文件（TOML）；缺省为当前目录的 voicebot.toml（如有）。",
)
@click.version_option(package_name="hotline-voicebot")
@click.pass_context
def cli(ctx: click.Context, config: Path | None) -> None:
    """12345 热线语音受理：听得懂、答得准、记得全、转得出。"""
    ctx.obj = settings = load_settings(config)
    set_up_logs(json=settings.log_json, level="WARNING")


def main() -> None:
    """Entry point: errors of the product become one sentence and exit code 1, never a traceback."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("已取消。", err=True)
        sys.exit(130)
    except HotlineError as error:
        click.echo(f"错误［{error.code}］：{error}", err=True)
        sys.exit(1)
