"""The lines of docs/first-steps.md and the README, typed as they stand."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def code_of(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def adapt(code, server):
    """Name the test server's data directory and address in place of the default ones."""
    code = code.replace("penfold-data/", f"{server.data}/")
    return code.replace("http://127.0.0.1:8025", server.http)


def test_first_steps_run_as_printed(server, capsys):
    scope = {}
    blocks = code_of("docs/first-steps.md")
    assert len(blocks) == 7
    for block in blocks:
        exec(adapt(block, server), scope)
    output = capsys.readouterr().out
    assert "alice@penfold.test" in output
    assert "2 messages in the thread" in output
    assert "labelsAdded" in output
    scope["gmail"].close()


def test_readme_connects_in_three_lines(server):
    scope = {}
    (block,) = code_of("README.md")
    exec(adapt(block, server), scope)
    gmail = scope["gmail"]
    assert gmail.users().getProfile(userId="me").execute()["emailAddress"] == "alice@penfold.test"
    gmail.close()
