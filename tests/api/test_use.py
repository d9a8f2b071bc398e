"""docs/use.md: its Python runs as printed, its tables say what the code says."""

import json
import re
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
import webbrowser
from html import unescape
from pathlib import Path

import pytest

from penfold.proto.search.operators import OPERATORS
from penfold.spec.settings import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "use.md"


def code_of(heading):
    """Return the Python under a heading, block by block."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def adapt(code, server):
    """Name the test server's data directory and ports in place of the default ones."""
    code = code.replace("penfold-data/", f"{server.data}/")
    code = code.replace("127.0.0.1:8025", server.http.removeprefix("http://"))
    for shown, own in ((2525, server.smtp), (2587, server.submission), (2465, server.submissions)):
        code = code.replace(f'"127.0.0.1", {shown}', f'"127.0.0.1", {own.rpartition(":")[2]}')
    return code


class Person(webbrowser.BaseBrowser):
    """Signs in and allows what is asked, as a person would in a window of their own."""

    def __init__(self, password):
        self.password = password
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def open(self, url, new=0, autoraise=True):
        threading.Thread(target=self._allow, args=(url,)).start()
        return True

    def _allow(self, url):
        url, form = self._send(url)
        typed = {"address": "alice@penfold.test", "password": self.password}
        url, form = self._send(url, form, **typed)
        self._send(url, form, decision="allow")

    def _send(self, url, form=None, **typed):
        """Open the page, or send its form; return where that leads, and the hidden fields there."""
        body = None if form is None else urllib.parse.urlencode(form | typed).encode()
        with self.opener.open(url, body, timeout=10) as page:
            hidden = r'<input type="hidden" name="([^"]*)" value="([^"]*)">'
            found = re.findall(hidden, page.read().decode())
            return page.url, {name: unescape(value) for name, value in found}


@pytest.fixture
def person(server, monkeypatch):
    password = server.load_document("passwords")["alice@penfold.test"]["password"]
    webbrowser.register("person", None, Person(password), preferred=True)
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # so that it is taken back afterwards


def test_python_and_smtp_run_as_printed(server, person, capsys):
    scope = {}
    for block in code_of("Python") + code_of("SMTP"):
        exec(adapt(block, server), scope)
    for name in ("gmail", "secure", "later"):
        scope[name].close()
    scope["flow"].oauth2session.close()
    assert capsys.readouterr().out.count("'emailAddress': 'alice@penfold.test'") == 3
    assert scope["granted"].scopes == ["https://mail.google.com/"]
    assert scope["robot"].service_account_email.startswith("local@")
    assert scope["answer"]


def test_the_fixture_for_tests_works_in_a_project_of_its_own(tmp_path):
    [block] = code_of("In tests and CI")
    (tmp_path / "test_mine.py").write_text(block)
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), str(tmp_path)]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
    )
    assert "1 passed" in result.stdout, result.stdout + result.stderr


def table_of_settings():
    lines = ["| setting | default | |", "|---|---|---|"]
    for setting in SETTINGS:
        sentence, _, default = setting.sentence.partition(" [default: ")
        own = setting.default
        named = ", ".join(own) if type(own) is tuple else own
        shown = default.rstrip("]") or (f"`{named}`" if own else "")
        lines.append(f"| `{setting.name}` | {shown} | {sentence} |")
    return "\n".join(lines)


def test_the_table_of_settings_is_the_code_s():
    assert table_of_settings() in PAGE.read_text()
    line = re.search(r"Not in the file: (.*)\. Not as a flag:\s(.*)\.", PAGE.read_text())
    assert line[1].replace("`", "").split(", ") == [s.name for s in SETTINGS if not s.file]
    assert line[2].replace("`", "").split(", ") == [s.name for s in SETTINGS if not s.serve]


def test_every_operator_of_search_is_named():
    section = PAGE.read_text().partition("\n## Search\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z0-9_]+):`", section)) == set(OPERATORS)


def test_node_lines_read_the_files_that_are_there(server):
    key = json.loads((server.data / "credentials" / "alice.json").read_text())
    used = re.findall(r"\bkey\.(\w+)", PAGE.read_text())
    assert used
    assert set(used) <= set(key)
