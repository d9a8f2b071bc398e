"""Every *.dlg file beside this one is held with the real listener, on both event loops."""

import asyncio
from pathlib import Path

import pytest
import uvloop

from penfold.front.smtp.facts import SessionFacts
from penfold.testing.dialogue import PATIENCE_S, DialogueError, load_dialogue, parse_dialogue, play

FILES = sorted(Path(__file__).parent.glob("*.dlg"))
LOOPS = [
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(uvloop.new_event_loop, id="uvloop"),
]


@pytest.fixture
def hold(converse, tls_contexts):
    def run(dialogue, loop_factory, patience_s=PATIENCE_S):
        transcript = []

        def talk(address):
            implicit = dialogue.options.get("listener") == "submissions"
            transcript.append(
                play(
                    dialogue,
                    address,
                    tls=tls_contexts[1],
                    implicit_tls=implicit,
                    patience_s=patience_s,
                )
            )

        product, facts = converse(talk, dialogue.options, loop_factory=loop_factory)
        return product, facts, transcript[0]

    return run


@pytest.mark.parametrize("loop_factory", LOOPS)
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_the_server_keeps_to_the_dialogue(path, loop_factory, hold):
    dialogue = load_dialogue(path)
    product, facts, transcript = hold(dialogue, loop_factory)
    assert "SECRET" not in transcript
    assert len(product.delivered) == int(dialogue.options.get("delivered", "0"))
    expected = path.with_suffix(".mail")
    if expected.exists():
        assert product.delivered[0][1] == expected.read_bytes().replace(b"\n", b"\r\n")
    for name in ("protocol", "sender"):
        if name in dialogue.options:
            assert getattr(product.delivered[0][0], name) == dialogue.options[name].strip('"')
    if "recipients" in dialogue.options:
        assert product.delivered[0][0].recipients == tuple(dialogue.options["recipients"].split())
    assert sum(isinstance(fact, SessionFacts) for fact in facts) == 1


def test_there_are_dialogues():
    assert len(FILES) >= 25


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("S: 220 another.example *\n", id="wrong-text"),
        pytest.param("S: 220 *\nC: NOOP\n", id="reply-nobody-expects"),
        pytest.param("S: 220 *\nS: 250 *\nC: QUIT\n", id="reply-that-never-comes"),
        pytest.param("S: 220 *\nC: NOOP # repeat 2\nS: 250 *\nS: 250 *\nEOF\n", id="too-few"),
    ],
)
def test_a_dialogue_that_is_not_kept_fails(text, hold):
    with pytest.raises(DialogueError):
        hold(parse_dialogue(text), asyncio.new_event_loop, patience_s=0.2)


@pytest.mark.parametrize("line", ["X: 1", "C64: %%", "nonsense", "S 220"])
def test_a_malformed_dialogue_names_its_line(line):
    with pytest.raises(DialogueError, match="dialogue:2"):
        parse_dialogue(f"S: 220 *\n{line}\n")
