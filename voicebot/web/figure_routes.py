"""The supervisor's figures and everything that can be exported."""

from dataclasses import fields
from datetime import date

from aiohttp import web

from dialog.privacy import mask_draft
from voicebot.core.ticket import Ticket
from voicebot.desk.figures import Figures, Slot
from voicebot.storage.documents import plain
from voicebot.storage.tickets import CHINA_TIME, SqlTicketStore
from voicebot.web.doorkeeper import LEADS, READERS, Doorkeeper
from voicebot.web.exports import Cell, csv_file, xlsx_file
from voicebot.web.queries import instant_in, number_in
from voicebot.web.refusals import refused

_SLOT_HEADER = ("时段", "来电", "转人工", "接起", "放弃")
_TICKET_HEADER = (
    "工单号", "登记时间", "状态", "类型", "紧急程度", "分类", "标题", "内容", "诉求", "地点", "姓名", "电话",
    "主办单位",
)  # fmt: skip


def figure_routes(figures: Figures, tickets: SqlTicketStore, tenant: str, doorkeeper: Doorkeeper) -> list[web.RouteDef]:
    """``/api/desk/figures`` and the exports, masked like everything else."""

    async def day(request: web.Request) -> web.Response:
        return web.json_response(plain(await figures.of(_day(request))))

    async def export_day(request: web.Request) -> web.Response:
        found = await figures.of(_day(request))
        rows = [[getattr(slot, field.name) for field in fields(Slot)] for slot in found.curve]
        write = csv_file if request.match_info["kind"] == "csv" else xlsx_file
        return write(f"figures-{found.day}", _SLOT_HEADER, rows)

    async def export_tickets(request: web.Request) -> web.Response:
        limit, before = number_in(request, "limit", 200), instant_in(request, "before")
        rows = [_ticket_row(ticket) for ticket in await tickets.latest(tenant, limit, before=before)]
        write = csv_file if request.match_info["kind"] == "csv" else xlsx_file
        return write("tickets", _TICKET_HEADER, rows)

    guard = doorkeeper.guard
    return [
        web.get("/api/desk/figures", guard(day, LEADS, program=True)),
        web.get("/api/desk/figures.{kind:csv|xlsx}", guard(export_day, LEADS, program=True)),
        web.get("/api/export/tickets.{kind:csv|xlsx}", guard(export_tickets, READERS, program=True)),
    ]


def _ticket_row(ticket: Ticket) -> list[Cell]:
    draft = mask_draft(ticket.draft)
    return [
        ticket.number,
        f"{ticket.filed_at.astimezone(CHINA_TIME):%Y-%m-%d %H:%M:%S}",
        ticket.state.value,
        draft.type.value if draft.type else "",
        draft.urgency,
        "/".join(draft.category),
        draft.title,
        draft.what,
        draft.demand,
        draft.address.spoken,
        draft.caller_name,
        draft.caller_phone,
        draft.dispatch.department if draft.dispatch else "",
    ]


def _day(request: web.Request) -> date | None:
    given = request.query.get("day")
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise refused(web.HTTPBadRequest, "query_invalid", "day 须为日期，如 2026-03-01。") from None
