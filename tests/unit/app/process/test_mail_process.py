"""What the mail process takes on for the descriptors it may have."""

import resource

import pytest

from penfold.app.process.mail_process import affordable_connections
from penfold.base.limits import SMTP_CONNECTIONS_MAX


@pytest.fixture
def set_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda wanted: resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(("descriptors", "each"), [(256, 42), (1024, 170)])
def test_connections_of_all_listeners_leave_half_the_descriptors(set_limit, descriptors, each):
    set_limit(descriptors)
    assert affordable_connections() == each


def test_many_descriptors_do_not_raise_the_bound_of_a_listener(set_limit):
    set_limit(6 * SMTP_CONNECTIONS_MAX + 600)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert affordable_connections() == min(SMTP_CONNECTIONS_MAX, soft // 6)
