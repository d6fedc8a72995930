"""Thinking: a finished turn goes to the dialog, and what the dialog wants is carried out, in order."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import structlog
from pipecat.frames.frames import Frame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from voicebot.core.actions import (
    Action,
    Ask,
    FileTicket,
    FilingFailed,
    HandOff,
    HandOffFailed,
    HandOffQueued,
    HandOffReturned,
    HandOffTaken,
    HangUp,
    LookUpTickets,
    NoteUnanswered,
    Outcome,
    QueueMoved,
    Rate,
    Say,
    TicketFiled,
    TicketsFound,
)
from voicebot.core.call import CallStart
from voicebot.core.errors import HotlineError
from voicebot.core.frames import samples_to_ms
from voicebot.core.ports import Dialog, TicketStore
from voicebot.core.speech import Expect
from voicebot.core.ticket import Ticket
from voicebot.core.timeline import Instant, Timeline
from voicebot.pipeline.frames import CallerTurnFrame, DigitsFrame, SilenceFrame, SpeakFrame, SpokenFrame
from voicebot.pipeline.handoff import Taker, Transferring
from voicebot.pipeline.held import HeldCall
from voicebot.pipeline.observer import Observer
from voicebot.pipeline.phone import Phone
from voicebot.pipeline.record import CallRecord
from voicebot.pipeline.state import CallState, CallTime

log = structlog.get_logger(__name__)

_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class _Input:
    """One thing for the dialog to decide on, and the caller's turn that it belongs to."""

    decide: Callable[[], Sequence[Action]]
    turn: int = -1


class Thinking(FrameProcessor):
    """One decision at a time; the dialog runs in a thread, so that audio never waits for it."""

    def __init__(
        self,
        start: CallStart,
        dialog: Dialog,
        tickets: TicketStore,
        transferring: Transferring,
        record: CallRecord,
        state: CallState,
        timeline: Timeline,
        call_time: CallTime,
        observer: Observer,
        fault_text: Callable[[str], str],
        queue_news_s: float,
        hold: Callable[[str, Phone], AbstractContextManager[HeldCall]],
    ):
        """``hold`` makes a call of an agent's, by name and headset, one that their desk can find."""
        super().__init__(enable_direct_mode=True)
        self._start = start
        self._dialog = dialog
        self._tickets = tickets
        self._transferring = transferring
        self._record = record
        self._state = state
        self._timeline = timeline
        self._call_time = call_time
        self._observer = observer
        self._fault_text = fault_text
        self._queue_news_s = queue_news_s
        self._hold = hold
        # A caller cannot finish more turns than that while one is being decided; when full, the newest waits outside.
        self._inputs: asyncio.Queue[_Input] = asyncio.Queue(maxsize=16)
        self._turn = -1
        self._worker: asyncio.Task[None] | None = None
        self._transfer: HandOff | None = None  # carried out once the caller has heard that it will be
        self._taker: Taker | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None  # the place in the queue

    def _start_tasks(self) -> None:
        # Start deciding.
        self._worker = self.create_task(self._work(), "thinking")

    async def cleanup(self) -> None:
        """Stop deciding; a ticket that is being filed is filed or not, never half."""
        await super().cleanup()
        for task in (self._worker, self._waiting, self._watching):
            if task:
                await self.cancel_task(task)

    async def greet(self) -> None:
        """The call was answered."""
        await self._put(_Input(self._dialog.greet))

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take what the caller did; pass everything else on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._start_tasks()
            await self.push_frame(frame, direction)
        elif isinstance(frame, CallerTurnFrame):
            await self._take_turn(frame)
        elif isinstance(frame, DigitsFrame):
            self._record.note("digits", count=len(frame.digits))
            if self._state.bridged is not None:
                return
            await self._put(_Input(lambda digits=frame.digits: self._dialog.press(digits)))  # type: ignore[misc]
        elif isinstance(frame, SilenceFrame):
            await self._put(_Input(lambda ms=frame.silence_ms: self._dialog.silent(ms)))  # type: ignore[misc]
        elif isinstance(frame, SpokenFrame):
            await self._take_spoken(frame)
        else:
            await self.push_frame(frame, direction)

    async def _take_turn(self, frame: CallerTurnFrame) -> None:
        heard = frame.heard
        self._record.caller(heard, samples_to_ms(heard.start), samples_to_ms(heard.end))
        if self._state.bridged is not None:  # said to a person, who reads along
            return
        if frame.failure:
            self._observer.fault("recognition", frame.failure)
            self._record.note("fault", stage="recognition", code=frame.failure)
        if heard.text:
            self._state.language = heard.language
        await self._put(_Input(lambda: self._dialog.hear(heard), frame.turn))

    async def _take_spoken(self, frame: SpokenFrame) -> None:
        if frame.heard or frame.failed:
            self._record.bot(frame.heard, frame.text, frame.start_ms, frame.end_ms, frame.source)
        if frame.failed:
            self._record.note("fault", stage="voice", code="voice_failed")
        if frame.interrupted:  # in its turn: the dialog may be deciding in its thread
            await self._put(_Input(lambda: self._tell_interrupted(frame.heard)))

    def _tell_interrupted(self, heard: str) -> Sequence[Action]:
        self._dialog.interrupted(heard)
        return ()

    async def _put(self, item: _Input) -> None:
        self._state.thinking = True
        await self._inputs.put(item)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            item = await self._inputs.get()
            self._turn = item.turn
            try:
                actions = await loop.run_in_executor(None, item.decide)
                await self._carry_out(actions)
                await self._transfer_when_told()
            except (
                Exception
            ) as error:  # the door of a call: whatever broke, the caller hears a kind word and gets a person
                await self._apologise(error)
            self._record.draft(self._dialog.draft)
            self._state.thinking = not self._inputs.empty()

    async def _carry_out(self, actions: Sequence[Action]) -> None:
        loop = asyncio.get_running_loop()
        waiting = deque(actions)
        while waiting:
            action = waiting.popleft()
            if self._turn >= 0:
                self._timeline.stamp(self._turn, Instant.FIRST_ACTION, self._call_time.now_ms())
            outcome = await self._carry_out_one(action)
            if outcome is not None:
                more = await loop.run_in_executor(None, self._dialog.outcome, outcome)
                waiting.extendleft(reversed(more))

    async def _transfer_when_told(self) -> None:
        action, self._transfer = self._transfer, None
        taker, self._taker = self._taker, None
        if action is not None and not self._transferring.target(action):
            action = None
            self._wait_for_taker()
        if action is None and taker is None:
            return
        if taker is not None and (phone := self._transferring.phone(taker)):
            await self._speak_with(taker, phone)
            return
        if taker is not None:  # what the caller is told is said while the agent's telephone rings
            outcome = await self._transferring.put_through(taker)
            self._record.note("transfer", outcome=outcome, agent=taker.agent)
            if outcome != "answered":
                self._state.waiting = True
                self._wait_for_taker()
            return
        while self._state.bot_speaking:  # noqa: ASYNC110  the end of speech is a count on the line, not an event
            await asyncio.sleep(_POLL_S)
        assert action is not None  # noqa: S101  one of the two
        outcome = await self._transferring.transfer(action)
        self._record.note("transfer", outcome=outcome)
        self._state.waiting = False
        if outcome != "answered":
            await self._tell_dialog(HandOffFailed(outcome))

    async def _speak_with(self, taker: Taker, phone: Phone) -> None:
        await self.broadcast_interruption()  # and whatever it has begun to say since
        with self._hold(taker.agent, phone) as held:
            self._record.note("transfer", outcome="answered", agent=taker.agent)
            ended = await self._transferring.speak_with(held)
        self._record.note("headset", outcome=ended, agent=taker.agent)
        if ended in ("done", "left"):
            await self.push_frame(SpeakFrame(text="", hang_up_after=True))
        elif ended == "bot":
            await self._tell_dialog(HandOffReturned(await self._filed()))
        else:
            self._wait_for_taker()
            place = await self._transferring.place()
            if place is not None:
                self._wait_in_queue(place.position)
                await self._tell_dialog(QueueMoved(place.position, place.wait_s))

    async def _filed(self) -> tuple[Ticket, ...]:
        try:
            return await self._tickets.find_by_call(self._start.call_id)
        except HotlineError as error:
            self._observer.fault("tickets", error.code)
            return ()

    async def _tell_dialog(self, outcome: Outcome) -> None:
        loop = asyncio.get_running_loop()
        await self._carry_out(await loop.run_in_executor(None, self._dialog.outcome, outcome))

    def _wait_for_taker(self) -> None:
        if self._transferring.takers is not None and (self._waiting is None or self._waiting.done()):
            self._waiting = self.create_task(self._hand_to_taker(), "taker")

    def _wait_in_queue(self, position: int) -> None:
        self._state.waiting = True
        if self._watching is None or self._watching.done():
            self._watching = self.create_task(self._tell_place(position), "place")

    async def _tell_place(self, position: int) -> None:
        """Tell the dialog when the call's place in the queue has changed, for as long as it waits."""
        while self._state.waiting:
            await asyncio.sleep(self._queue_news_s)
            entry = await self._transferring.place()
            if entry is not None and entry.position not in (0, position):
                position = entry.position
                moved = QueueMoved(position, entry.wait_s)
                await self._put(_Input(lambda moved=moved: self._dialog.outcome(moved)))  # type: ignore[misc]

    async def _hand_to_taker(self) -> None:
        taker = await self._transferring.wait_for_taker()
        self._state.waiting = False
        await self.broadcast_interruption()  # whatever the bot was saying: a person is there
        self._record.note("taken", agent=taker.agent)
        await self._put(_Input(lambda: self._meet(taker)))

    def _meet(self, taker: Taker) -> Sequence[Action]:
        at_once = self._transferring.phone(taker) is not None
        reachable = bool(taker.target) or at_once
        if reachable:
            self._taker = taker
        return self._dialog.outcome(HandOffTaken(put_through=reachable, at_once=at_once))

    async def _carry_out_one(self, action: Action) -> Outcome | None:
        match action:
            case Say():
                if action.source:
                    self._observer.answered()
                    self._record.note("answer", article=action.source, key=action.key)
                await self._say(action.text, interruptible=action.interruptible, source=action.source)
            case Ask():
                self._record.note("ask", key=action.key, expects=action.expects.value)
                await self._say(action.text, interruptible=action.interruptible, expects=action.expects)
                self._state.secret = action.secret
            case FileTicket():
                return await self._file(action)
            case LookUpTickets():
                return await self._look_up(action)
            case HandOff():
                self._record.draft(self._dialog.draft)
                self._record.note("hand_off", reason=action.reason.value, skill=action.skill, priority=action.priority)
                self._transfer = action
                outcome = await self._transferring.hand_off(action, self._dialog.draft, tuple(self._record.turns))
                if isinstance(outcome, HandOffQueued):
                    self._wait_in_queue(outcome.position)
                return outcome
            case Rate():
                self._record.note("rating", stars=action.stars)
            case NoteUnanswered():
                self._record.note("unanswered", nearest_article=action.nearest_article)
                self._record.unanswered(action.question, action.nearest_article, action.score)
            case HangUp():
                self._state.waiting = False
                self._record.note("hang_up", reason=action.reason)
                self._transferring.promised = action.reason == "call_back"
                await self.push_frame(SpeakFrame(text="", hang_up_after=True))
        return None

    async def _say(
        self, text: str, *, interruptible: bool, expects: Expect = Expect.ANYTHING, source: str | None = None
    ) -> None:
        self._state.expects, self._state.secret = expects, False
        await self.push_frame(
            SpeakFrame(text=text, turn=self._turn, interruptible=interruptible, expects=expects, source=source)
        )

    async def _file(self, action: FileTicket) -> Outcome:
        self._record.draft(action.draft)
        try:
            ticket = await self._tickets.file(self._start, action.draft, action.sequence)
        except HotlineError as error:
            self._observer.fault("tickets", error.code)
            self._record.note("fault", stage="tickets", code=error.code)
            log.error("filing_failed", call=self._start.call_id, code=error.code)
            return FilingFailed(action.sequence, error.code)
        self._observer.ticket_filed(action.draft.type.value if action.draft.type else "")
        self._record.note("file_ticket", number=ticket.number, sequence=action.sequence)
        return TicketFiled(ticket)

    async def _look_up(self, action: LookUpTickets) -> Outcome:
        try:
            if action.near is not None:
                return TicketsFound(await self._tickets.find_near(action.near))
            if action.number:
                ticket = await self._tickets.find(action.number)
                return TicketsFound((ticket,) if ticket else ())
            return TicketsFound(await self._tickets.find_by_phone(action.phone))
        except HotlineError as error:
            self._observer.fault("tickets", error.code)
            return TicketsFound((), failed=True)

    async def _apologise(self, error: Exception) -> None:
        code = error.code if isinstance(error, HotlineError) else type(error).__name__
        log.error("dialog_failed", call=self._start.call_id, code=code, exc_info=True)
        self._observer.fault("dialog", code)
        self._record.note("fault", stage="dialog", code=code)
        await self._say(self._fault_text(self._state.language), interruptible=False)
        await self._transferring.fault(self._dialog.draft, tuple(self._record.turns))
        self._wait_for_taker()
