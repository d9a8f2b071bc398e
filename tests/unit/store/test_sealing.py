"""What is sealed opens here, under its own name, and nowhere else."""

import pytest

from penfold.base.errors import SealBrokenError
from penfold.store.master_key import key_id
from penfold.store.sealing import KeySealer, sealed_prefix

OLD, NEW = b"o" * 32, b"n" * 32


def sealer_of(*keys):
    return KeySealer(lambda: keys)


@pytest.fixture
def sealer():
    return sealer_of(OLD)


def seal_without_id(secret, *, context):
    """Seal as the first release did."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return b"\x01" + b"n" * 12 + AESGCM(OLD).encrypt(b"n" * 12, secret, context.encode())


def test_secret_comes_back_and_is_not_seen_in_what_is_kept(sealer):
    sealed = sealer.seal(b"hunter2", context="m1/send_as")
    assert b"hunter2" not in sealed
    assert sealer.open(sealed, context="m1/send_as") == b"hunter2"
    assert sealer.seal(b"hunter2", context="m1/send_as") != sealed


def test_another_process_reads_it_with_the_same_key(sealer):
    sealed = sealer.seal(b"x", context="c")
    assert sealer_of(OLD).open(sealed, context="c") == b"x"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda sealed: b"", id="empty"),
        pytest.param(lambda sealed: sealed[:1], id="version-alone"),
        pytest.param(lambda sealed: sealed[:12], id="short"),
        pytest.param(lambda sealed: b"\x01" + sealed[1:12], id="short-without-id"),
        pytest.param(lambda sealed: b"\x03" + sealed[1:], id="of-another-version"),
        pytest.param(lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]), id="changed"),
    ],
)
def test_what_was_not_sealed_like_this_does_not_open(sealer, spoil):
    with pytest.raises(SealBrokenError):
        sealer.open(spoil(sealer.seal(b"x", context="c")), context="c")


def test_secret_of_one_thing_does_not_open_as_anothers(sealer):
    with pytest.raises(SealBrokenError):
        sealer.open(sealer.seal(b"x", context="alice"), context="bob")


def test_secret_of_another_installation_does_not_open(sealer):
    with pytest.raises(SealBrokenError):
        sealer.open(sealer_of(NEW).seal(b"x", context="c"), context="c")


def test_it_is_seen_without_the_key_under_which_one_something_is_sealed(sealer):
    assert sealer.seal(b"x", context="c").startswith(sealed_prefix(key_id(OLD)))


def test_with_two_keys_the_first_seals_and_both_open(sealer):
    both = sealer_of(NEW, OLD)
    assert both.open(sealer.seal(b"x", context="c"), context="c") == b"x"
    assert sealer_of(NEW).open(both.seal(b"y", context="c"), context="c") == b"y"
    assert both.is_current(both.seal(b"y", context="c"))
    assert not both.is_current(sealer.seal(b"x", context="c"))


def test_what_the_first_release_sealed_opens_with_any_of_the_keys():
    sealed = seal_without_id(b"x", context="c")
    assert sealer_of(NEW, OLD).open(sealed, context="c") == b"x"
    assert not sealer_of(OLD).is_current(sealed)
    with pytest.raises(SealBrokenError):
        sealer_of(NEW).open(sealed, context="c")
