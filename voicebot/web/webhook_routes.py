"""Who is told of tickets, and the messages that were given up."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from voicebot.storage.audit import Audit
from voicebot.storage.documents import plain
from voicebot.storage.webhooks import KINDS, Message, Webhook, Webhooks
from voicebot.web.doorkeeper import ACTOR, ADMIN, Doorkeeper
from voicebot.web.refusals import body_of, refused


class WebhookBody(BaseModel):
    """Where to send what."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=500)
    kinds: tuple[Literal["filed", "revised"], ...] = KINDS


def webhook_routes(webhooks: Webhooks, audit: Audit, doorkeeper: Doorkeeper) -> list[web.RouteDef]:
    """``/api/webhooks``: administrators only. The secret is shown once."""

    async def everybody(_request: web.Request) -> web.Response:
        return web.json_response({"webhooks": [_shown(hook) for hook in await webhooks.all()]})

    async def add(request: web.Request) -> web.Response:
        given = await body_of(request, WebhookBody)
        hook = await webhooks.add(given.url, given.kinds)
        await audit.note(request[ACTOR], "webhook_added", hook_id=hook.hook_id)
        return web.json_response({**_shown(hook), "secret": hook.secret}, status=201)

    async def disable(request: web.Request) -> web.Response:
        hook_id = _number(request, "hook_id")
        await webhooks.disable(hook_id)
        await audit.note(request[ACTOR], "webhook_disabled", hook_id=hook_id)
        return web.json_response({})

    async def given_up(_request: web.Request) -> web.Response:
        return web.json_response({"messages": [_message(message) for message in await webhooks.given_up()]})

    async def again(request: web.Request) -> web.Response:
        await webhooks.send_again(_number(request, "message_id"))
        return web.json_response({})

    guard = doorkeeper.guard
    return [
        web.get("/api/webhooks", guard(everybody, ADMIN)),
        web.post("/api/webhooks", guard(add, ADMIN)),
        web.post("/api/webhooks/{hook_id}/disable", guard(disable, ADMIN)),
        web.get("/api/webhooks/dead-letters", guard(given_up, ADMIN)),
        web.post("/api/webhooks/dead-letters/{message_id}/retry", guard(again, ADMIN)),
    ]


def _shown(hook: Webhook) -> dict[str, object]:
    return {
        "hook_id": hook.hook_id,
        "url": hook.url,
        "kinds": list(hook.kinds),
        "created_at": plain(hook.created_at),
        "disabled": hook.disabled,
    }


def _message(message: Message) -> dict[str, object]:
    return {
        "message_id": message.message_id,
        "hook_id": message.hook.hook_id,
        "number": message.number,
        "kind": message.kind,
        "created_at": plain(message.created_at),
        "tries": message.tries,
        "fault": message.fault,
    }


def _number(request: web.Request, name: str) -> int:
    given = request.match_info[name]
    if not given.isascii() or not given.isdigit():
        raise refused(web.HTTPNotFound, "webhook_unknown", "没有这个编号。")
    return int(given)
