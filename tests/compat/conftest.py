"""What the shim's tests share: a VM of every flavour."""

import pytest

from resty_py.vm import FLAVOURS, VM


@pytest.fixture(params=FLAVOURS)
def vm(request):
    return VM(request.param)
