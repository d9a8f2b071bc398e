"""What the command line prints of text that others wrote."""

import contextlib
import io

import pytest

from penfold.front.cli.output import print_rows, show_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("株式会社\u3000山田", "株式会社 山田"),
        ("10\u00a0kg", "10 kg"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_text_of_any_script_is_shown_as_it_is_with_plain_spaces(text, shown):
    assert show_text(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("東\x1b[2J京", "東\\x1b[2J京"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("a\u2028b", "a\\u2028b"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_moves_the_cursor_or_turns_the_line_is_escaped_and_nothing_else(text, shown):
    assert show_text(text) == shown


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("text", ["2a00:1234::25", ":smile:", "[bold]x[/bold]", "x 1.5 y"])
def test_a_table_shows_text_as_it_is(text):
    with contextlib.redirect_stdout(Terminal()) as terminal:
        print_rows([{"name": text}], ["name"], as_json=False)
    assert text in terminal.getvalue()
