"""From what a provider says of a person to their account, and from the settings to what a provider may be."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from tests.fakes.clock import FakeClock
from tests.support.office import new_office
from voicebot.core.errors import ConfigurationError, SignInError
from voicebot.storage.accounts import Account, Role
from voicebot.storage.database import Database
from voicebot.web.identity_provider import IdentityProvider
from voicebot.web.office import Office
from voicebot.web.settings import OidcSettings, RoleName
from voicebot.web.sign_in import account_for, claim

TOLD = {"issuer": "https://sso.example.gov.cn", "client_id": "hotline", "public_url": "https://desk.example.gov.cn/"}


@pytest.fixture
def office(database: Database) -> Office:
    return new_office(database, FakeClock())


def settings(**told: object) -> OidcSettings:
    return OidcSettings.model_validate({**TOLD, **told})


async def enter(office: Office, claims: dict[str, object], **told: object) -> Account:
    said = {"sub": "s-1", "preferred_username": "mei", **claims}
    return await account_for(said, settings(**told), office.people.accounts)


def test_the_roles_of_the_settings_are_those_of_the_accounts() -> None:
    assert set(get_args(RoleName)) == {role.value for role in Role}


def test_a_claim_is_found_by_its_name_or_by_the_way_to_it() -> None:
    claims = {"realm_access": {"roles": ["a"]}, "https://city.gov.cn/roles": ["b"], "flat": "c"}
    assert claim(claims, "realm_access.roles") == ["a"]
    assert claim(claims, "https://city.gov.cn/roles") == ["b"]
    assert claim(claims, "flat.roles") is None
    assert claim(claims, "nothing") is None


async def test_role_skills_and_extension_come_from_where_the_settings_say(office: Office) -> None:
    told = {
        "create_accounts": True, "roles": {"/hotline/lead": "supervisor", "/hotline": "agent"},
        "role_claim": "realm_access.roles", "skills_claim": "skills", "extension_claim": "phone.desk",
    }  # fmt: skip
    claims: dict[str, object] = {
        "name": "梅朵", "realm_access": {"roles": ["/hotline", "/hotline/lead"]},
        "skills": ["general", "dialect", 5, ""], "phone": {"desk": "8001"},
    }  # fmt: skip
    account = await enter(office, claims, **told)
    expected = Account("mei", "梅朵", Role.SUPERVISOR, ("general", "dialect"), "8001", linked=True)
    assert account == expected
    assert await office.people.accounts.find("mei") == expected
    # What the provider no longer says stays as it was; the name is ours from the first login on.
    later: dict[str, object] = {"name": "梅", "realm_access": {"roles": "/hotline"}}
    assert await enter(office, later, **told) == Account(
        "mei", "梅朵", Role.AGENT, ("general", "dialect"), "8001", linked=True
    )


async def test_without_roles_in_the_settings_the_account_keeps_its_own(office: Office) -> None:
    await office.people.accounts.add(Account("mei", "梅", Role.EDITOR), "korrekt-pferd-9", actor="test")
    account = await enter(office, {"roles": ["administrator"]})
    assert (account.role, account.linked) == (Role.EDITOR, True)


async def test_a_person_who_is_renamed_at_the_provider_keeps_the_account(office: Office) -> None:
    await office.people.accounts.add(Account("mei", "梅", Role.AGENT), "korrekt-pferd-9", actor="test")
    await enter(office, {})
    assert (await enter(office, {"preferred_username": "mei.zhang"})).name == "mei"


async def test_the_same_subject_of_another_provider_is_somebody_else(office: Office) -> None:
    await office.people.accounts.add(Account("mei", "梅", Role.AGENT), "korrekt-pferd-9", actor="test")
    await enter(office, {})
    with pytest.raises(SignInError) as refused:
        await enter(office, {}, issuer="https://other.example.gov.cn")
    assert refused.value.code == "account_taken"


async def test_an_administrator_is_linked_only_when_the_provider_says_administrator(office: Office) -> None:
    await office.people.accounts.add(Account("mei", "梅", Role.ADMINISTRATOR), "korrekt-pferd-9", actor="test")
    roles = {"boss": "administrator", "staff": "agent"}
    for claims, told in (({"roles": "staff"}, {"roles": roles}), ({"roles": "boss"}, {})):
        with pytest.raises(SignInError) as refused:
            await enter(office, claims, **told)  # type: ignore[arg-type]
        assert refused.value.code == "account_taken"
    assert (await enter(office, {"roles": "boss"}, roles=roles)).role is Role.ADMINISTRATOR


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "http://sso.example.gov.cn"},
        {"issuer": "https://sso.example.gov.cn/?realm=city"},
        {"issuer": "sso.example.gov.cn"},
        {"public_url": "http://desk.example.gov.cn"},
        {"public_url": "https://desk.example.gov.cn/desk"},
        {"scopes": ["profile"]},
        {"create_accounts": True},
        {"roles": {"staff": "chief"}},
        {"client_id": ""},
        {"realm": "city"},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(told: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**told)


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:8080/realm", "http://localhost:1", "http://[::1]:1", "https://a.b/"]
)
def test_a_provider_on_this_machine_needs_no_encryption(issuer: str) -> None:
    assert settings(issuer=issuer).public_url == "https://desk.example.gov.cn"


def test_a_file_of_authorities_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for file in (tmp_path / "nowhere.pem", empty):
        with pytest.raises(ConfigurationError) as refused:
            IdentityProvider(settings(tls_authorities=file), FakeClock())
        assert "web.oidc.tls_authorities" in str(refused.value)
