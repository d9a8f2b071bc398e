"""Every *.dlg file beside this one is held with our client: without a network, and over one."""

import asyncio
from pathlib import Path

import pytest
import uvloop
from tests.dialogue.client.player import (
    HOST,
    describe,
    expected_results,
    play_over_sockets,
    play_without_io,
)
from tests.scripted import Trust

from penfold.testing.dialogue import load_dialogue, parse_dialogue

FILES = sorted(Path(__file__).parent.glob("*.dlg"))
#: They name the port, which is another one each time.
WITHOUT_SOCKETS = {"auth-oauthbearer"}
LOOPS = [
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(uvloop.new_event_loop, id="uvloop"),
]


@pytest.fixture(scope="module")
def trust(tmp_path_factory):
    return Trust(tmp_path_factory.mktemp("trust"), (HOST,))


@pytest.mark.parametrize("cut", [1, 100_000])
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_the_client_keeps_to_the_dialogue(path, cut):
    dialogue = load_dialogue(path)
    table = play_without_io(dialogue, cut=cut)
    assert table.results == expected_results(dialogue.options)
    if "dsn" in dialogue.options:
        assert table.dsn == [dialogue.options["dsn"] == "yes"]
    transcript = "\n".join(line for lines in table.transcripts for line in lines)
    assert "SECRET" not in transcript
    assert "U0VDUkVU" not in transcript  # the same in base64
    assert "hello" not in transcript.replace("EHLO", "")


@pytest.mark.parametrize("loop_factory", LOOPS)
@pytest.mark.parametrize(
    "path", [p for p in FILES if p.stem not in WITHOUT_SOCKETS], ids=lambda p: p.stem
)
def test_the_client_keeps_to_the_dialogue_over_sockets(path, loop_factory, trust):
    dialogue = load_dialogue(path)
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        outcomes = runner.run(play_over_sockets(dialogue, trust))
    assert [describe(outcome.results) for outcome in outcomes] == expected_results(dialogue.options)
    assert "SECRET" not in str(outcomes)


def test_there_are_dialogues():
    assert len(FILES) >= 45


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("S: 220 x\nC: HELO mail.probe.example\n", id="another-command"),
        pytest.param("S: 220 x\n", id="more-than-expected"),
        pytest.param("TLS\n", id="tls-nobody-asked-for"),
    ],
)
def test_a_dialogue_that_is_not_kept_fails(text):
    with pytest.raises(AssertionError):
        play_without_io(parse_dialogue(text), cut=100)
