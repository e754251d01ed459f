from licensing.delivery.denial import HTTP_STATUS, WHAT_TO_DO, DenialCode


def test_every_denial_says_what_to_do() -> None:
    assert set(WHAT_TO_DO) == set(DenialCode)


def test_every_denial_that_an_issuer_gives_has_a_status() -> None:
    assert set(DenialCode) - set(HTTP_STATUS) == {DenialCode.COULD_NOT_CONNECT}
    assert all(400 <= status < 600 for status in HTTP_STATUS.values())
