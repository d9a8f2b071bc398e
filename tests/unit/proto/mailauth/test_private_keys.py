"""Private keys of signatures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.keys import make_key

from penfold.base.errors import ParseError
from penfold.proto.mailauth.keys import algorithm_of, make_key_record
from penfold.proto.mailauth.private_keys import (
    ALGORITHMS,
    make_private_key,
    parse_private_key,
    print_private_key,
)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_comes_back_as_it_was_written(algorithm):
    key = make_private_key(algorithm)
    assert algorithm_of(key) == algorithm
    again = parse_private_key(print_private_key(key))
    assert make_key_record(again) == make_key_record(key)


def test_a_key_of_another_kind_is_refused():
    with pytest.raises(ParseError, match="for signatures"):
        parse_private_key(print_private_key(make_key("ec")))


WRITTEN = print_private_key(make_private_key("ed25519-sha256"))


@given(st.binary(max_size=200) | st.integers(0, len(WRITTEN) - 1).map(lambda n: WRITTEN[:n]))
def test_what_is_no_key_is_a_parse_error(octets):
    with pytest.raises(ParseError):
        parse_private_key(octets)
