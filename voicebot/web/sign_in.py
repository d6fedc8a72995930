"""Who somebody is here, whom the identity provider knows: which account, which role, and who stays outside."""

import hashlib
import secrets
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from voicebot.core.errors import SignInError
from voicebot.storage.accounts import Account, Accounts, Role, usable_name
from voicebot.web.settings import OidcSettings

ACTOR = "identity_provider"
"""Who changed an account, in the audit log."""

_LONGEST_NAME, _LONGEST_EXTENSION, _LONGEST_SKILL, _MOST_SKILLS = 64, 128, 32, 20


def refusal(code: str, reason: str = "", *, account: str = "") -> SignInError:
    """The error with what `sign_in.toml` says of it; ``reason`` is a fixed word for the log, never a claim."""
    words = wordings()[code]
    return SignInError(words["said"], code=code, remedy=words["remedy"], reason=reason, account=account)


@cache
def wordings() -> dict[str, dict[str, Any]]:
    """Status, what happened and what to do, by code."""
    return tomllib.loads((resources.files("voicebot.web") / "sign_in.toml").read_text(encoding="utf-8"))


def needed_claims(settings: OidcSettings) -> tuple[str, ...]:
    """The claims that an account is found and filled with."""
    role = (settings.role_claim,) if settings.roles else ()
    return (settings.name_claim, *role, *filter(None, (settings.skills_claim, settings.extension_claim)))


def claim(claims: Mapping[str, Any], path: str) -> object:
    """A claim by its name, or by a way of dots into it; None when there is none."""
    if path in claims:  # names of one's own are often URLs, which have dots
        return claims[path]
    found: object = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


async def account_for(claims: Mapping[str, Any], settings: OidcSettings, accounts: Accounts) -> Account:
    """The account of the person whom the checked ``claims`` describe, with what the provider decides about it.

    An account is found by the provider's own, unchanging name of the person (issuer and subject). The first time it
    is the account of the same name, or a new one when the settings say so. Raises `SignInError`.
    """
    # A digest: both may be as long as the provider likes.
    identity = hashlib.sha256(f"{settings.issuer}\n{claims['sub']}".encode()).hexdigest()
    known = await accounts.find_linked(identity)
    role = _role(claims, settings)
    if known is not None and known.disabled:
        raise refusal("account_disabled", account=known.name)
    if settings.roles and role is None:
        raise refusal("role_missing", account=known.name if known else "")
    if known is None:
        known = await _first_time(claims, identity, role, settings, accounts)
    told = replace(
        known,
        role=role or known.role,
        skills=_skills(claims, settings) or known.skills,
        extension=_extension(claims, settings, known.extension),
    )
    if told != known:
        await accounts.change(told, actor=ACTOR)
    return told


async def _first_time(
    claims: Mapping[str, Any], identity: str, role: Role | None, settings: OidcSettings, accounts: Accounts
) -> Account:
    name = _text(claim(claims, settings.name_claim)).lower()
    if not usable_name(name):
        raise refusal("name_unusable")
    there = await accounts.find(name)
    if there is None:
        if not settings.create_accounts or role is None:
            raise refusal("account_unknown")
        account = Account(name, _text(claim(claims, "name"))[:_LONGEST_NAME], role, linked=True)
        await accounts.add(account, secrets.token_urlsafe(), actor=ACTOR, identity=identity)
        return account
    if there.disabled:
        raise refusal("account_disabled", account=name)
    # A name may be given to the next person, and whoever gives names at the provider must not become our administrator.
    if there.linked or (there.role is Role.ADMINISTRATOR and role is not Role.ADMINISTRATOR):
        raise refusal("account_taken", "linked" if there.linked else "administrator", account=name)
    await accounts.link(name, identity, actor=ACTOR)
    return replace(there, must_change=False, linked=True)


def _role(claims: Mapping[str, Any], settings: OidcSettings) -> Role | None:
    held = set(_texts(claim(claims, settings.role_claim)))
    return next((Role(role) for value, role in settings.roles.items() if value in held), None)


def _skills(claims: Mapping[str, Any], settings: OidcSettings) -> tuple[str, ...]:
    if not settings.skills_claim:
        return ()
    told = dict.fromkeys(_texts(claim(claims, settings.skills_claim)))
    return tuple(each for each in told if 0 < len(each) <= _LONGEST_SKILL)[:_MOST_SKILLS]


def _extension(claims: Mapping[str, Any], settings: OidcSettings, kept: str) -> str:
    told = _text(claim(claims, settings.extension_claim)) if settings.extension_claim else ""
    return told if 0 < len(told) <= _LONGEST_EXTENSION else kept


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _texts(value: object) -> Iterator[str]:
    """One value, or a list of them."""
    for each in value if isinstance(value, list) else [value]:
        if text := _text(each):
            yield text
