"""Everything that the pages of people work with, put together around one database."""

from dataclasses import dataclass

from argon2 import PasswordHasher

from voicebot.core.ports import AgentQueue, Clock
from voicebot.desk.agents import Agents
from voicebot.desk.board import BoardFeed
from voicebot.desk.casework import Casework
from voicebot.desk.figures import Figures
from voicebot.desk.ports import DeskHelp
from voicebot.desk.settings import DeskSettings
from voicebot.pipeline.held import HeldCalls
from voicebot.storage.accounts import Accounts
from voicebot.storage.audit import Audit
from voicebot.storage.changes import Changes
from voicebot.storage.database import Database
from voicebot.storage.logins import Logins
from voicebot.storage.questions import UnansweredQuestions
from voicebot.storage.recordings import Recordings
from voicebot.storage.records import CallRecords
from voicebot.storage.tickets import SqlTicketStore
from voicebot.storage.webhooks import Webhooks
from voicebot.web.account_routes import People
from voicebot.web.desk_routes import Desk
from voicebot.web.editor_routes import Editing
from voicebot.web.headset_routes import HeadsetDoor
from voicebot.web.record_routes import Record
from voicebot.web.settings import WebSettings


@dataclass(frozen=True, slots=True)
class Office:
    """The record, the people, the desk."""

    record: Record
    people: People
    desk: Desk
    figures: Figures
    webhooks: Webhooks
    clock: Clock
    editing: Editing
    headset: HeadsetDoor | None = None

    @classmethod
    def build(
        cls,
        database: Database,
        clock: Clock,
        *,
        web: WebSettings,
        desk: DeskSettings,
        changes: Changes,
        tickets: SqlTicketStore,
        queue: AgentQueue,
        recordings: Recordings | None,
        desk_help: DeskHelp,
        tenant: str,
        hasher: PasswordHasher | None = None,
        headset: HeadsetDoor | None = None,
        held: HeldCalls | None = None,
    ) -> "Office":
        """Put it together; nothing is started or written."""
        records, audit = CallRecords(database), Audit(database, clock)
        casework = Casework(database, changes, tickets)
        return cls(
            Record(records, tickets, queue, recordings, casework, audit, clock, tenant),
            People(accounts_of(database, clock, web, hasher), logins_of(database, clock, web), audit),
            Desk(
                Agents(database, clock, desk, changes),
                BoardFeed(database, clock, changes),
                casework,
                desk_help,
                changes,
                records,
                tickets,
                desk,
                held or HeldCalls(),
            ),
            Figures(database, clock, desk),
            Webhooks(database, clock),
            clock,
            Editing(UnansweredQuestions(database, clock), desk_help, tenant),
            headset,
        )


def accounts_of(
    database: Database, clock: Clock, settings: WebSettings, hasher: PasswordHasher | None = None
) -> Accounts:
    """The accounts with the lock that is set."""
    return Accounts(database, clock, lock_after=settings.lock_after_failures, lock_s=settings.lock_s, hasher=hasher)


def logins_of(database: Database, clock: Clock, settings: WebSettings) -> Logins:
    """The logins with the times that are set."""
    return Logins(database, clock, idle_s=settings.login_idle_s, longest_s=settings.login_longest_s)
