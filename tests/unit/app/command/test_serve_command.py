"""The flags of `penfold serve`, and how it ends when it cannot start."""

import pytest

from penfold.app.command.serve_command import parse_flags, serve_command
from penfold.app.exits import WRONG_USE


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        pytest.param([], {}, id="none"),
        pytest.param(["--http", "h:1", "--workers=2"], {"http": "h:1", "workers": "2"}, id="both"),
        pytest.param(["--log-format", "json"], {"log_format": "json"}, id="dash"),
        pytest.param(["--data=a=b"], {"data": "a=b"}, id="equals-in-value"),
        pytest.param(["--workers", "1", "--workers", "2"], {"workers": "2"}, id="last-wins"),
    ],
)
def test_flags_are_read_with_blank_or_equals(arguments, given):
    assert parse_flags(arguments) == given


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(["--htpp", "x"], "serve has no option --htpp", id="unknown"),
        pytest.param(["x"], "serve has no option x", id="no-flag"),
        pytest.param(["--http"], "--http wants a value", id="no-value"),
        pytest.param(["--metrics-token", "x"], "serve has no option", id="secret-as-flag"),
        pytest.param(["--workers", "0"], "--workers: must be from 1 to 64", id="bad-value"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(capsys, tmp_path, arguments, text):
    assert serve_command(["--data", str(tmp_path), *arguments]) == WRONG_USE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"penfold: {text}")
    assert err.count("\n") == 1
