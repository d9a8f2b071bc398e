"""What addresses are for."""

import pytest

from penfold.proto.special_addresses import Reach, is_here, reach_of, reached_by

TABLE = {
    Reach.PUBLIC: ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"],
    Reach.PRIVATE: [
        "10.0.0.1", "172.16.5.5", "192.168.1.1", "100.64.0.1", "192.0.2.1", "198.18.0.1",
        "fd00::1", "2001:db8::1", "::ffff:10.0.0.1", "2002:a00:1::1", "64:ff9b::a00:1",
    ],
    Reach.LOOPBACK: ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"],
    Reach.NEVER: [
        "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "240.0.0.1", "169.254.169.254", "::",
        "fe80::1%eth0", "ff02::1", "fec0::1", "64:ff9b:1::1", "::127.0.0.1", "::ffff:0.0.0.0",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reach"), [(text, reach) for reach, texts in TABLE.items() for text in texts]
)
def test_address_reaches_what_the_registries_say(text, reach):
    assert reach_of(text) is reach


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "0x7f.1", "2130706433", "017700000001"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError):
        reach_of(text)


@pytest.mark.parametrize("text", ["127.0.0.1", "0.0.0.0", "::", "::ffff:127.1.1.1"])
def test_address_of_this_machine_is_here(text):
    assert is_here(text)
    assert not is_here("10.0.0.1")


def test_spellings_of_one_address_reach_the_same():
    spellings = ["192.0.2.1", "::ffff:192.0.2.1", "64:ff9b::c000:201", "2002:c000:201::1"]
    assert set(map(reached_by, spellings)) == {"192.0.2.1"}
