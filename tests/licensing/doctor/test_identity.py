"""The container's user, by numbers and by names."""

import pwd
from types import SimpleNamespace

import pytest

from licensing.core.errors import BadCall
from licensing.doctor.identity import Identity, find_user, name_findings

NONROOT = "65532:65532"


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("nonroot", (65532, 65532)),
        ("nonroot:nonroot", (65532, 65532)),
        ("1000:2000", (1000, 2000)),
        ("1000", (1000, 1000)),
        ("root", (0, 0)),
        ("root:7", (0, 7)),
        ("0:root", (0, 0)),
        ("4294967294", (4294967294, 4294967294)),
    ],
)
def test_a_user_is_told_by_number_or_name(text: str, identity: tuple[int, int]) -> None:
    assert find_user(text, nonroot=NONROOT)[:2] == identity


@pytest.mark.parametrize("text", ["", ":", "nobody-here", "1:nobody-here", "-1", "4294967295", "1:2:3", "a\0b", "٣"])
def test_a_user_nobody_knows_is_a_bad_call(text: str) -> None:
    with pytest.raises(BadCall, match="has no user"):
        find_user(text, nonroot=NONROOT)


@pytest.mark.parametrize(("number", "told"), [(65532, False), (1001, True)])
def test_another_nonroot_of_this_host_is_told(monkeypatch: pytest.MonkeyPatch, number: int, told: bool) -> None:
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: SimpleNamespace(pw_uid=number, pw_gid=number))
    found = list(name_findings(Identity(65532, 65532)))
    assert [finding.code for finding in found] == (["nonroot-elsewhere"] if told else [])


def test_a_host_without_that_name_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_name: str) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwnam", unknown)
    assert list(name_findings(Identity(65532, 65532))) == []


def test_the_groups_of_this_process_count_where_it_is_the_user_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with fsGroup in Kubernetes, when the doctor runs in the container."""
    for name, number in (("geteuid", 65532), ("getegid", 65532)):
        monkeypatch.setattr("os." + name, lambda number=number: number)
    monkeypatch.setattr("os.getgroups", lambda: [65532, 2000])
    assert Identity(65532, 65532).as_here() == Identity(65532, 65532, frozenset({2000}))
    assert Identity(1000, 65532).as_here() == Identity(1000, 65532)
