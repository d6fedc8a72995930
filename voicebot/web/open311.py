"""Open311 GeoReport v2 (https://wiki.open311.org/GeoReport_v2/): services and requests, as JSON and XML.

Nothing about who called leaves here: descriptions are masked, and the fields that name a person are taken and
never given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import Element, SubElement, tostring

from aiohttp import web

from dialog.privacy import mask_draft
from voicebot.core.call import CallStart, Channel
from voicebot.core.ports import Clock
from voicebot.core.ticket import Address, Ticket, TicketDraft, TicketState
from voicebot.desk.ports import DeskHelp
from voicebot.storage.tickets import SqlTicketStore
from voicebot.web.doorkeeper import READERS, Doorkeeper, Handler

_OPEN = {state.value for state in TicketState} - {"办结", "回访", "评价", "归档"}
_SPAN = timedelta(days=90)  # of requests without dates, as the standard asks
_MAX_REQUESTS = 1000  # as the standard asks
_MAX_TEXT = 4000

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Open311:
    """What the interface reads and writes."""

    tickets: SqlTicketStore
    help: DeskHelp
    clock: Clock
    tenant: str


def open311_routes(desk: Open311, doorkeeper: Doorkeeper) -> list[web.RouteDef]:
    """``/open311/v2/…``; ``.json`` and ``.xml``. Programs come with the API token."""

    async def discovery(request: web.Request) -> web.StreamResponse:
        base = str(request.url.origin())
        row = {
            "changeset": "2026-03-01T00:00:00+08:00",
            "contact": "12345",
            "endpoints": [
                {
                    "specification": "http://wiki.open311.org/GeoReport_v2",
                    "url": f"{base}/open311/v2",
                    "type": "production",
                    "formats": ["application/json", "text/xml"],
                }
            ],
        }
        return web.json_response(row)

    async def services(request: web.Request) -> web.StreamResponse:
        rows = [
            {
                "service_code": service.id,
                "service_name": service.name,
                "description": service.name,
                "metadata": False,
                "type": "realtime",
                "keywords": "",
                "group": service.group,
            }
            for service in desk.help.services()
        ]
        return answer(request, "services", "service", rows)

    async def requests(request: web.Request) -> web.StreamResponse:
        wanted = _wanted(request, desk.clock)
        found = await desk.tickets.between(desk.tenant, wanted.begin, wanted.end, _MAX_REQUESTS)
        rows = [row for row in map(_requests(desk.help), found) if wanted.takes(row)]
        return answer(request, "service_requests", "request", rows)

    async def one(request: web.Request) -> web.StreamResponse:
        ticket = await desk.tickets.find(request.match_info["number"])
        if ticket is None:
            raise _fault(request, 404, "service_request_id 没有找到。")
        return answer(request, "service_requests", "request", [_requests(desk.help)(ticket)])

    async def submit(request: web.Request) -> web.StreamResponse:
        form = {name: str(value)[:_MAX_TEXT] for name, value in (await request.post()).items()}
        names = {service.id: service for service in desk.help.services()}
        service = names.get(form.get("service_code", ""))
        if service is None:
            raise _fault(request, 400, "service_code 缺失或不存在。")
        if not form.get("description") or not (form.get("address_string") or form.get("lat")):
            raise _fault(request, 400, "须填 description，以及 address_string 或 lat、long。")
        place = form.get("address_string") or f"{form.get('lat', '')},{form.get('long', '')}"
        draft = TicketDraft(
            category=service.path,
            what=form["description"],
            address=Address(spoken=place),
            caller_name=form.get("last_name", "") + form.get("first_name", ""),
            caller_phone=form.get("phone", ""),
        )
        start = CallStart(f"open311-{uuid4().hex}", Channel.API, desk.clock.now(), desk.tenant)
        ticket = await desk.tickets.file(start, desk.help.complete(draft), 1, actor="open311")
        row = {"service_request_id": ticket.number, "service_notice": "已受理。", "account_id": ""}
        return answer(request, "service_requests", "request", [row], status=201)

    guard = doorkeeper.guard
    kinds = "{format:json|xml}"

    def program(handler: Handler) -> Handler:
        return guard(handler, READERS, program=True)

    return [
        web.get("/open311/v2/discovery.json", program(discovery)),
        web.get(f"/open311/v2/services.{kinds}", program(services)),
        web.get(f"/open311/v2/requests.{kinds}", program(requests)),
        web.post(f"/open311/v2/requests.{kinds}", program(submit)),
        web.get("/open311/v2/requests/{number}." + kinds, program(one)),
    ]


@dataclass(frozen=True, slots=True)
class _Wanted:
    begin: datetime
    end: datetime
    numbers: frozenset[str]
    codes: frozenset[str]
    status: frozenset[str]

    def takes(self, row: Row) -> bool:
        return (
            (not self.numbers or row["service_request_id"] in self.numbers)
            and (not self.codes or row["service_code"] in self.codes)
            and (not self.status or row["status"] in self.status)
        )


def _wanted(request: web.Request, clock: Clock) -> _Wanted:
    def many(name: str) -> frozenset[str]:
        return frozenset(filter(None, request.query.get(name, "").split(",")))

    def instant(name: str, default: datetime) -> datetime:
        given = request.query.get(name)
        if given is None:
            return default
        try:
            found = datetime.fromisoformat(given)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise _fault(request, 400, f"{name} 须为带时区的时间（W3C 格式）。")
        return found

    end = instant("end_date", clock.now())
    begin = instant("start_date", end - _SPAN)
    return _Wanted(begin, end, many("service_request_id"), many("service_code"), many("status"))


def _requests(desk_help: DeskHelp) -> Callable[[Ticket], Row]:
    codes = {service.path: service.id for service in desk_help.services()}
    return lambda ticket: _request(ticket, codes.get(ticket.draft.category, ""))


def _request(ticket: Ticket, service_code: str) -> Row:
    draft = mask_draft(ticket.draft)
    return {
        "service_request_id": ticket.number,
        "status": "open" if ticket.state.value in _OPEN else "closed",
        "status_notes": ticket.state.value,
        "service_name": "/".join(draft.category) or (draft.type.value if draft.type else ""),
        "service_code": service_code,
        "description": draft.what,
        "agency_responsible": draft.dispatch.department if draft.dispatch else "",
        "service_notice": "",
        "requested_datetime": ticket.filed_at.isoformat(),
        "updated_datetime": ticket.filed_at.isoformat(),
        "expected_datetime": None,
        "address": draft.address.spoken,
        "address_id": draft.address.node,
        "zipcode": "",
        "lat": None,
        "long": None,
        "media_url": None,
    }


def answer(request: web.Request, many: str, one: str, rows: Sequence[Row], *, status: int = 200) -> web.Response:
    """The rows in the form that the path asks for."""
    if request.match_info["format"] == "json":
        return web.json_response(list(rows), status=status)
    root = Element(many)
    for row in rows:
        element = SubElement(root, one)
        for name, value in row.items():
            SubElement(element, name).text = (
                "" if value is None else str(value).lower() if value is False else str(value)
            )
    body = b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode").encode()
    return web.Response(body=body, status=status, content_type="text/xml", charset="utf-8")


def _fault(request: web.Request, status: int, description: str) -> web.HTTPException:
    row = {"code": status, "description": description}
    response = answer(request, "errors", "error", [row], status=status)
    kind = web.HTTPNotFound if status == 404 else web.HTTPBadRequest
    assert response.text is not None  # noqa: S101  `answer` gives text
    return kind(text=response.text, content_type=response.content_type)
