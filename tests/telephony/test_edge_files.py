"""What ``voicebot edge config`` writes, as far as it can be seen without the programs that read it."""

import configparser
import stat
import sys
from pathlib import Path

import pytest
import yaml

from telephony.edge.render import edge_files
from telephony.settings import EdgeSettings
from tests.support.edge import site
from voicebot.cli import main
from voicebot.core.errors import ConfigurationError

EDGE = {"listen_address": "10.0.0.5", "trunks": ["10.9.0.0/24", "10.8.0.1/32"]}


def test_the_networks_and_the_workers_are_listed(tmp_path: Path):
    files = edge_files(EdgeSettings.model_validate(EDGE), site(), tmp_path)
    assert "1 10.9.0.0 24\n1 10.8.0.1 32\n" in files["trunks.list"]
    assert "1 sip:127.0.0.1:5082 0 0 duid=worker1;maxload=10\n" in files["workers.list"]


def test_systemd_gives_calls_the_time_to_end(tmp_path: Path):
    unit = configparser.ConfigParser(strict=False, delimiters="=")
    unit.read_string(edge_files(EdgeSettings.model_validate(EDGE), site(drain_s=300), tmp_path)["voicebot.service"])
    assert int(unit["Service"]["TimeoutStopSec"]) > 300
    assert unit["Service"]["ExecStart"] == "/srv/voicebot/.venv/bin/voicebot serve"


def test_without_a_secret_there_is_no_relay(tmp_path: Path):
    settings = EdgeSettings.model_validate(EDGE)
    for secret, relays in (("", False), ("s" * 24, True)):
        files = edge_files(settings, site(turn_secret=secret), tmp_path)
        assert ("turnserver.conf" in files) is relays, "it would relay for everybody"
        assert ("coturn" in yaml.safe_load(files["compose.yaml"])["services"]) is relays


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"trunks": ["10.0.0.0/8"]}, "edge_address_missing"), ({"listen_address": "10.0.0.5"}, "edge_trunks_missing")],
)
def test_what_an_edge_cannot_do_without_is_one_clear_error(settings: dict[str, object], code: str, tmp_path: Path):
    with pytest.raises(ConfigurationError) as raised:
        edge_files(EdgeSettings.model_validate(settings), site(), tmp_path)
    assert raised.value.code == code


def test_the_command_writes_them_and_overwrites_nothing_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "voicebot.toml").write_text(
        'workers = 2\n[sip]\nport = 5080\nlisten_address = "10.0.0.5"\n[webrtc]\nturn_secret = "ssssssssssssssssssss"\n'
        '[edge]\nlisten_address = "10.0.0.4"\ntrunks = ["10.9.0.0/24"]\n'
    )
    command = ["voicebot", "edge", "config", "--out", "here"]
    monkeypatch.setattr(sys, "argv", command)
    main()
    workers = tmp_path / "here" / "workers.list"
    assert "10.0.0.5:5080" in workers.read_text()
    assert "10.0.0.5:5082" in workers.read_text()
    assert stat.S_IMODE((tmp_path / "here" / "turnserver.conf").stat().st_mode) == 0o640
    workers.write_text("mine")
    with pytest.raises(SystemExit):
        main()
    assert workers.read_text() == "mine"
    monkeypatch.setattr(sys, "argv", [*command, "--force"])
    main()
    assert workers.read_text() != "mine"
