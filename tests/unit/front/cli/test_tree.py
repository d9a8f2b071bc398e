"""The command line as a whole, and one command of it."""

import pytest
import typer
from typer.testing import CliRunner

from penfold.front.cli.tree import _MAKERS, build_cli


def names_of(cli):
    return list(typer.main.get_command(cli).commands)


def test_help_lists_every_command_of_the_table():
    assert set(names_of(build_cli(None))) == set(_MAKERS)


@pytest.mark.parametrize("name", _MAKERS)
def test_a_command_alone_says_what_it_says_among_all(name):
    alone, whole = build_cli(None, name), build_cli(None)
    assert names_of(alone) == [name]
    told = [CliRunner().invoke(cli, [name, "--help"]).output for cli in (alone, whole)]
    assert told[0] == told[1]
    assert told[0]


@pytest.mark.parametrize("name", ["", "usr", "--version"])
def test_without_a_command_of_that_name_all_are_there(name):
    assert set(names_of(build_cli(None, name))) == set(_MAKERS)
