"""``voicebot evaluate``: the measurements, each with its own data set."""

from voicebot.cli.lazy import LazyGroup

TABLE = {
    "speech": ("voicebot.cli.evaluate_speech", "听写：字错误率、分方言、失控输出、实时率"),
    "knowledge": ("voicebot.cli.evaluate_knowledge", "知识：首条命中、前三命中、拒答的准与全"),
    "routing": ("voicebot.cli.evaluate_routing", "分类派单：准确率、前二、95% 精度下的覆盖，与基线并列"),
    "request-type": ("voicebot.cli.evaluate_request_type", "诉求类型：准确率、宏 F1，与基线并列"),
    "emergencies": ("voicebot.cli.evaluate_emergencies", "险情：召回率、误报率"),
    "tickets": ("voicebot.cli.evaluate_tickets", "工单要素：F1、各字段、地址全对率"),
    "scenarios": ("voicebot.cli.evaluate_scenarios", "剧本：逐个拨打，给出通过与不符"),
}

command = LazyGroup(name="evaluate", table=TABLE, help="在数据集上评测；数据的行格式见各子命令的 --help。")
