"""The sample of penfold.toml says of every setting what the code says, and can be used."""

import re
import tomllib

import pytest

from penfold.app.config import check_served, load_settings
from penfold.spec.sample import TABLES, list_essentials, make_sample
from penfold.spec.settings import SETTING_OF, SETTINGS, Setting, Settings

IN_FILE = [setting for setting in SETTINGS if setting.file]
COMMENTED = re.compile(r"^#(?=[a-z0-9_]+ = )", re.MULTILINE)


def load(folder, text):
    (folder / "penfold.toml").write_text(text)
    return load_settings({"data": str(folder)}, {}).settings


def words_of(text):
    return " ".join(text.replace("\n# ", " ").split())


@pytest.mark.parametrize("setting", IN_FILE, ids=lambda setting: setting.name)
def test_every_setting_of_the_file_is_in_it_once_with_its_sentence(setting):
    sample = make_sample()
    line = rf"^# {setting.name}: " if setting.metavar == TABLES else rf"^#?{setting.name} = "
    assert len(re.findall(line, sample, re.MULTILINE)) == 1
    assert words_of(setting.sentence) in words_of(sample)


@pytest.mark.parametrize("setting", set(SETTINGS) - set(IN_FILE), ids=lambda setting: setting.name)
def test_what_the_file_may_not_hold_is_not_in_it(setting):
    assert not re.search(rf"^#?{setting.name} = ", make_sample(), re.MULTILINE)


def test_tables_are_named_at_the_end_where_toml_wants_them():
    tables = Setting("relay", "Servers, as [[relay]] tables.", TABLES, str, ())
    sample = make_sample(settings=[tables, SETTING_OF["http"]])
    assert sample.endswith("\n# relay: Servers, as [[relay]] tables.\n")
    assert "relay = " not in sample


def test_an_unedited_sample_changes_nothing(tmp_path):
    assert tomllib.loads(make_sample()) == {}
    assert not load(tmp_path, make_sample()).is_production


def test_defaults_in_it_are_the_defaults(tmp_path):
    essential = list_essentials("example.org")
    live = COMMENTED.sub("", make_sample())
    told = tomllib.loads(live)
    assert set(told) == {each.name for each in IN_FILE if each.metavar != TABLES}
    for name, value in told.items():
        default = SETTING_OF[name].default
        if name not in essential and default not in ("", (), None):
            assert SETTING_OF[name].parse(value) == default, name


def test_a_sample_for_a_domain_is_a_server_on_the_internet(tmp_path):
    settings = load(tmp_path, make_sample("example.com"))
    check_served(settings)
    assert settings.domains == ("example.com",)
    assert settings.hostname == "mail.example.com"
    ports = [getattr(settings, name).port for name in ("smtp", "submission", "submissions", "http")]
    assert ports == [25, 587, 465, 443]
    changed = {name for name in SETTING_OF if getattr(settings, name) != getattr(Settings(), name)}
    assert changed == {*list_essentials("x"), "data", "config"}


def test_comments_fit_on_a_screen():
    comments = [line for line in make_sample().splitlines() if line.startswith("# ")]
    assert max(map(len, comments)) <= 100
