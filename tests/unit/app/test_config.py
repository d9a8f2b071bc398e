"""Where a setting comes from, and what is said about one that cannot be used."""

from pathlib import Path

import pytest

from penfold.app.command.doors import load_values
from penfold.app.config import ConfigError, check_served, load_settings
from penfold.app.process.launch import Launch, decode_launch, encode_launch
from penfold.spec.setting_values import Endpoint
from penfold.spec.settings import SETTINGS
from penfold.spec.shapes import SHAPES, Shape, merge_shapes

BAD = sorted((Path(__file__).parent / "bad_config").glob("*.toml"))


@pytest.fixture
def data(tmp_path):
    return str(tmp_path)


def write(data, text):
    path = Path(data) / "penfold.toml"
    path.write_text(text)
    return str(path)


def test_without_anything_given_every_setting_has_its_default(data):
    found = load_settings({"data": data}, {})
    assert found.settings.http == Endpoint("127.0.0.1", 8025)
    assert found.settings.workers == 1
    assert found.settings.find_quota().name == "google-2026"
    assert {found.origins[s.name] for s in SETTINGS if s.name != "data"} == {"default"}


def test_flag_wins_over_environment_over_file_over_default(data):
    path = write(data, 'http = "1.1.1.1:1"\nsmtp = "1.1.1.1:2"\nworkers = 3\n')
    env = {"PENFOLD_HTTP": "2.2.2.2:1", "PENFOLD_SMTP": "2.2.2.2:2", "HOME": "/"}
    found = load_settings({"data": data, "http": "3.3.3.3:1"}, env)
    assert str(found.settings.http) == "3.3.3.3:1"
    assert str(found.settings.smtp) == "2.2.2.2:2"
    assert found.settings.workers == 3
    assert str(found.settings.submission) == "127.0.0.1:2587"
    origins = [found.origins[name] for name in ("http", "smtp", "workers", "submission")]
    assert origins == ["--http", "PENFOLD_SMTP", path, "default"]


def test_an_empty_variable_counts_as_not_given(data):
    assert load_settings({"data": data}, {"PENFOLD_WORKERS": ""}).settings.workers == 1


def test_the_data_directory_of_the_environment_holds_the_configuration(data):
    write(data, "workers = 5\n")
    assert load_settings({}, {"PENFOLD_DATA": data}).settings.workers == 5


def test_a_named_configuration_is_read_instead(data, tmp_path):
    write(data, "workers = 5\n")
    other = tmp_path / "other.toml"
    other.write_text("workers = 6\n")
    found = load_settings({"data": data, "config": str(other)}, {})
    assert (found.settings.workers, found.settings.config) == (6, str(other))


def test_ipv6_addresses_stand_in_brackets_both_ways(data):
    found = load_settings({"data": data, "http": "[::1]:0"}, {})
    assert found.settings.http == ("::1", 0)
    assert str(found.settings.http) == "[::1]:0"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_configuration_is_named_with_file_key_and_what_is_wanted(path):
    expected = path.read_text().splitlines()[0].removeprefix("# says: ")
    with pytest.raises(ConfigError) as caught:
        load_settings({"config": str(path)}, {})
    assert str(caught.value) == f"{path}: {expected}"


def test_every_setting_a_file_may_hold_has_a_bad_example():
    shown = "".join(path.read_text() for path in BAD)
    parsers = {s.parse.__qualname__: s.name for s in SETTINGS if s.file}
    untried = [name for name in parsers.values() if f"says: {name}:" not in shown]
    # Listeners share a parser, so one of them stands for all.
    assert untried in ([], ["submissions"])


def test_a_missing_named_configuration_is_an_error(tmp_path):
    path = tmp_path / "none.toml"
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        load_settings({"config": str(path)}, {})


def test_a_configuration_that_is_not_text_is_an_error(data):
    path = Path(data) / "penfold.toml"
    path.write_bytes(b'http = "\xff"')
    with pytest.raises(ConfigError, match=r"not UTF-8 text \(byte 8\)"):
        load_settings({"data": data}, {})


@pytest.mark.parametrize(
    ("flags", "env", "where"),
    [
        pytest.param({"workers": "x"}, {}, "--workers: must be", id="flag"),
        pytest.param({}, {"PENFOLD_LOG_FORMAT": "x"}, "PENFOLD_LOG_FORMAT: must be", id="env"),
    ],
)
def test_a_bad_value_is_named_by_where_it_was_given(data, flags, env, where):
    with pytest.raises(ConfigError) as caught:
        load_settings({"data": data, **flags}, env)
    assert str(caught.value).startswith(where)


def test_domains_turn_production_mode_on_once_the_server_has_a_name(data):
    write(data, 'domains = ["Example.COM", "post.example.org"]\nhostname = "mail.example.com"\n')
    settings = load_settings({"data": data}, {}).settings
    check_served(settings)
    assert settings.is_production
    assert settings.domains == ("example.com", "post.example.org")


def test_production_mode_without_a_name_is_refused_in_words(data):
    write(data, 'domains = ["example.com"]\n')
    settings = load_settings({"data": data}, {}).settings
    with pytest.raises(ConfigError, match=r'hostname = "mail.example.com"'):
        check_served(settings)


def test_a_domain_that_is_named_twice_is_there_once(data):
    (Path(data) / "penfold.toml").write_text('domains = ["example.org", "Example.ORG."]\n')
    assert load_settings({"data": data}, {}).settings.domains == ("example.org",)


def test_settings_without_domains_can_be_served(data):
    check_served(load_settings({"data": data}, {}).settings)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["tls_certificate"], "tls_certificate: give hostname too"),
        (["acme_directory"], "acme_directory: give hostname too"),
        (["hostname", "tls_certificate", "acme_directory"], "take one of the two out"),
        (["tls_key"], "tls_key: does nothing without tls_certificate"),
        (["acme_email"], "acme_email: does nothing without acme_directory"),
        (["acme_authorities"], "acme_authorities: does nothing without acme_directory"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_settings_of_a_certificate_that_do_not_go_together_are_refused(data, lines, problem):
    values = {
        "hostname": "mail.example.com",
        "tls_certificate": "/etc/x.pem",
        "tls_key": "/etc/x.key",
        "acme_directory": "https://acme.example/dir",
        "acme_email": "postmaster@example.com",
        "acme_authorities": "/etc/ca.pem",
    }
    path = write(data, "".join(f'{name} = "{values[name]}"\n' for name in lines))
    settings = load_settings({"data": data}, {}).settings
    with pytest.raises(ConfigError) as caught:
        check_served(settings)
    assert str(caught.value).startswith(f"{path}: ")
    assert problem in str(caught.value)


def test_a_certificate_with_a_host_name_can_be_served(data):
    write(data, 'hostname = "mail.example.com"\ntls_certificate = "/etc/x.pem"\n')
    check_served(load_settings({"data": data}, {}).settings)


PROVIDER = {
    "sign_in_issuer": "https://login.example/",
    "sign_in_client_id": "penfold",
    "sign_in_client_secret": "env:OIDC_SECRET",
}


def test_a_provider_with_its_client_can_be_served_and_its_name_is_kept_as_it_is(data):
    write(data, "".join(f'{name} = "{value}"\n' for name, value in PROVIDER.items()))
    settings = load_settings({"data": data}, {}).settings
    check_served(settings)
    assert settings.sign_in_issuer == "https://login.example/"


@pytest.mark.parametrize("name", [*PROVIDER, "sign_in_name"])
def test_a_provider_with_half_of_what_it_needs_is_refused_in_words(data, name):
    half = {**PROVIDER, "sign_in_name": "Corp"}
    half.pop("sign_in_issuer" if name == "sign_in_name" else name)
    path = write(data, "".join(f'{key} = "{value}"\n' for key, value in half.items()))
    words = "does nothing without" if name in ("sign_in_issuer", "sign_in_name") else "needs it"
    with pytest.raises(ConfigError, match=words) as caught:
        check_served(load_settings({"data": data}, {}).settings)
    assert str(caught.value).startswith(f"{path}: sign_in_")


def test_reports_go_to_an_address_of_ours_or_the_start_is_refused(data):
    text = 'domains = ["example.com"]\nhostname = "mail.example.com"\nreports_address = '
    write(data, text + '"Reports@Example.com"\n')
    settings = load_settings({"data": data}, {}).settings
    check_served(settings)
    assert settings.reports_address == "Reports@Example.com"
    write(data, text + '"reports@example.org"\n')
    with pytest.raises(ConfigError, match=r"example\.org is none of the domains here"):
        check_served(load_settings({"data": data}, {}).settings)


RELAYS = """
[[relay]]
domains = ["*"]
host = "Smtp.Example.net."
user = "al@example.net"
password_file = "/etc/penfold/relay"

[[relay]]
domains = ["*.example", "one.example"]
senders = "home.example"
host = "smtp.example.com"
tls = "implicit"

[shapes.google]
connections = 3

[shapes.others]
messages = 7
"""


def test_tables_of_relays_and_shapes_are_settings_like_others(data):
    write(data, RELAYS)
    settings = load_settings({"data": data}, {}).settings
    first, second = settings.relay
    assert (first.host, first.port, first.tls) == ("smtp.example.net", 587, "starttls")
    assert (second.port, second.senders) == (465, ("home.example",))
    shapes = merge_shapes(settings.shapes)
    assert shapes["google"] == Shape(3, SHAPES["google"].messages, encrypted=True)
    assert shapes[""] == Shape(messages=7)
    assert shapes["yahoo"] == SHAPES["yahoo"]


def test_they_reach_the_processes_and_are_shown_in_words(data):
    write(data, RELAYS)
    settings = load_settings({"data": data}, {}).settings
    launch = Launch(role="mail", index=0, settings=settings, addresses={}, sockets={})
    assert decode_launch(encode_launch(launch)).settings == settings
    shown = {each.name: each.value for each in load_values({"data": data})}
    assert shown["relay"] == (
        "al@example.net at smtp.example.net:587 (starttls) for *; "
        "smtp.example.com:465 (implicit) for *.example, one.example from home.example"
    )
    assert shown["shapes"].startswith(
        "google: 3 connections of 50 messages, never in clear; others: "
    )


def test_what_may_be_a_secret_is_not_shown(data):
    write(data, 'master_key = "command:/usr/bin/vault --token hvs.1"\nmetrics_token = "hvs.2"\n')
    shown = {each.name: each.value for each in load_values({"data": data})}
    assert shown["master_key"] == "command:/usr/bin/vault …"
    assert "hvs" not in "".join(shown.values())


def test_tables_are_no_text_of_the_environment(data):
    with pytest.raises(ConfigError, match=r"PENFOLD_SHAPES: must be \[shapes"):
        load_settings({"data": data}, {"PENFOLD_SHAPES": "google"})
