"""The people's side of a house: its office, its assignment of calls, its first administrator."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from dialog.city.deadlines import OfficeCalendar
from dialog.city.nouns import OfficeHours
from voicebot.app.desk_help import CityHelp
from voicebot.app.house import House
from voicebot.desk.assignment import Assigner
from voicebot.storage.accounts import Account, Role, one_time_password
from voicebot.web.headset_routes import HeadsetDoor
from voicebot.web.office import Office
from voicebot.web.webhook_sender import WebhookSender

FIRST_ADMINISTRATOR = "admin"


def build_office(house: House, headset: HeadsetDoor | None = None) -> Office:
    """The office of a house; nothing is started."""
    settings = house.settings
    return Office.build(
        house.database,
        house.clock,
        web=settings.web,
        desk=settings.desk,
        changes=house.changes,
        tickets=house.tickets,
        queue=house.queue,
        recordings=house.recordings,
        desk_help=CityHelp(house.city, house.conversations, house.clock),
        tenant=house.city.tenant,
        headset=headset,
        held=house.parts.held,
    )


def desk_tasks(house: House, office: Office) -> list[asyncio.Task[None]]:
    """What runs beside the pages: changes from other processes, the board, the assignment of calls."""
    is_night = night_of(house.city.office_hours, house.city.timezone)
    phones = [asyncio.create_task(house.phones.run(), name="headsets")] if house.phones is not None else []
    assigner = Assigner(house.database, house.clock, house.settings.desk, house.changes, is_night)
    return [
        *phones,
        asyncio.create_task(house.changes.run(), name="changes"),
        asyncio.create_task(office.desk.board.run(), name="board"),
        asyncio.create_task(assigner.run(), name="assignment"),
        asyncio.create_task(WebhookSender(office.webhooks, house.tickets, house.clock).run(), name="webhooks"),
    ]


def night_of(hours: OfficeHours, zone: ZoneInfo) -> Callable[[datetime], bool]:
    """Whether an instant lies outside the office hours, when whoever is there takes every call."""
    calendar = OfficeCalendar(hours, zone)
    return lambda now: not calendar.is_open(now)


async def first_administrator(office: Office) -> str:
    """On an empty machine: make the account ``admin``; returns its one-time password, "" when there are accounts."""
    accounts = office.people.accounts
    if not await accounts.is_empty():
        return ""
    password = one_time_password()
    account = Account(FIRST_ADMINISTRATOR, "管理员", Role.ADMINISTRATOR, must_change=True)
    await accounts.add(account, password, actor="first_start")
    return password
