"""What can be sent to a code host, and what is said where it cannot."""

from __future__ import annotations

import pytest

from leakdrill.code_hosts.api import Api
from leakdrill.errors import BadInput


@pytest.mark.parametrize("token", ["plain\r", "plain\n", "pl\x00ain", "plainé"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(BadInput) as refused:
        Api("http://127.0.0.1:1", {"PRIVATE-TOKEN": token}, [token])
    assert "plain" not in str(refused.value)
