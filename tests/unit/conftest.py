"""A product in memory for every test that wants one."""

import pytest
from tests.unit.world import World


@pytest.fixture
def world():
    world = World()
    yield world
    world.close()
