"""Every *.dlg file beside this one is held with the client's state machine, without a network."""

from pathlib import Path

import pytest
from tests.dialogue.client.player import expected_results, play_without_io

from penfold.testing.dialogue import load_dialogue, parse_dialogue

FILES = sorted(Path(__file__).parent.glob("*.dlg"))


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
