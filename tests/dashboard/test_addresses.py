"""Which addresses only this machine can reach."""

import pytest

from pricecore.dashboard.addresses import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_alone_reaches_a_loopback_address(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "prices.example", ""])
def test_others_may_reach_every_other_address(host):
    assert not is_loopback(host)
