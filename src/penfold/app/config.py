"""Find the value of every setting: flag, then environment, then penfold.toml, then default.

Owns the reading of penfold.toml. Each value keeps its origin, so `config show` and every
complaint can name the place a person has to change. A mistake is a ConfigError: one line that
says where, what and what is wanted; the command ends with exit code 2.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NoReturn

from penfold.app.exits import StartError
from penfold.base.errors import ParseError
from penfold.spec.key_source import KeySource
from penfold.spec.settings import LOCAL_DOMAIN, SETTING_OF, SETTINGS, Setting, Settings

CONFIG_NAME: Final = "penfold.toml"
DEFAULT: Final = "default"


class ConfigError(StartError):
    """A setting cannot be used as it is."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings in force and where each comes from: a flag, a variable, a file, or `default`."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(flags: Mapping[str, str], env: Mapping[str, str]) -> Resolved:
    """Return the settings in force; flags and env hold text as given, flags by setting name."""
    given: dict[str, tuple[Any, str]] = {}
    for setting in SETTINGS:
        if setting.name in flags:
            given[setting.name] = _parse(setting, flags[setting.name], setting.flag), setting.flag
        elif env.get(setting.env):
            given[setting.name] = _parse(setting, env[setting.env], setting.env), setting.env
    data, _ = given.get("data", (SETTING_OF["data"].default, ""))
    path = Path(given["config"][0]) if "config" in given else Path(data) / CONFIG_NAME
    if "config" in given or path.exists():
        for name, value in _load_file(path).items():
            given.setdefault(name, (value, str(path)))
        given.setdefault("config", (str(path), DEFAULT))
    return Resolved(
        settings=Settings(**{name: value for name, (value, _) in given.items()}),
        origins={s.name: given[s.name][1] if s.name in given else DEFAULT for s in SETTINGS},
    )


def find_key_source(data: Path) -> KeySource:
    """Return where the master key of a data directory is, for a command beside the server."""
    return load_settings({"data": str(data)}, os.environ).settings.master_key


def check_served(settings: Settings) -> None:
    """Raise ConfigError when a setting lacks another that it needs."""
    if settings.is_production and settings.hostname == LOCAL_DOMAIN:
        raise ConfigError(
            f"{settings.config}: hostname: production mode (domains) needs the name this machine "
            f'has in the DNS, such as hostname = "mail.{settings.first_domain}"'
        )
    _check_certificate(settings)
    _check_reports(settings)
    _check_provider(settings)


def _check_reports(settings: Settings) -> None:
    _, _, domain = settings.reports_address.lower().rpartition("@")
    domains = settings.domains or (LOCAL_DOMAIN,)
    if domain and domain not in domains:
        raise ConfigError(
            f"{settings.config}: reports_address: {domain} is none of the domains here "
            f"({', '.join(domains)}); choose an address of one of them"
        )


def _check_provider(settings: Settings) -> None:
    where = settings.config or "the environment"
    given = {
        "sign_in_client_id": settings.sign_in_client_id,
        "sign_in_client_secret": settings.sign_in_client_secret,
    }
    for name, value in given.items():
        if settings.sign_in_issuer and not value:
            raise ConfigError(f"{where}: {name}: sign_in_issuer needs it; the provider gives it")
    for name, value in {**given, "sign_in_name": settings.sign_in_name}.items():
        if value and not settings.sign_in_issuer:
            raise ConfigError(
                f"{where}: {name}: does nothing without sign_in_issuer; give that too, or take it "
                "out"
            )


def _check_certificate(settings: Settings) -> None:
    def refuse(name: str, text: str) -> NoReturn:
        raise ConfigError(f"{settings.config or 'the environment'}: {name}: {text}")

    if settings.tls_certificate and settings.acme_directory:
        refuse("tls_certificate", "there is acme_directory as well; take one of the two out")
    source = "tls_certificate" if settings.tls_certificate else "acme_directory"
    if getattr(settings, source):
        if settings.hostname == LOCAL_DOMAIN:
            refuse(source, "give hostname too, the name the certificate is for")
        return
    for name in ("tls_key", "acme_email", "acme_authorities"):
        if getattr(settings, name):
            wants = "tls_certificate" if name == "tls_key" else "acme_directory"
            refuse(name, f"does nothing without {wants}; give that too, or take it out")


def _parse(setting: Setting, value: object, where: str) -> Any:
    try:
        return setting.parse(value)
    except ParseError as error:
        raise ConfigError(f"{where}: {error}") from None


def _load_file(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return {name: _parse_entry(path, name, value) for name, value in table.items()}


def _parse_entry(path: Path, name: str, value: object) -> Any:
    setting = SETTING_OF.get(name)
    if setting is None:
        near = get_close_matches(name, [s.name for s in SETTINGS if s.file], n=1)
        hint = f"; did you mean {near[0]}?" if near else "; `penfold config show` lists all"
        raise ConfigError(f"{path}: {name}: no such setting{hint}")
    if not setting.file:
        raise ConfigError(f"{path}: {name}: give it as {setting.flag} or {setting.env} instead")
    return _parse(setting, value, f"{path}: {name}")
