"""What azlic advises helps: each test makes the situation, does what was advised, and it is mended."""

import base64
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from securesystemslib.signer import Signer
from sqlalchemy import insert

from licensing.db.database import writing
from licensing.delivery import installing
from licensing.delivery.downloading import Denied
from licensing.issuer import tables
from licensing.issuer.containers import list_containers
from licensing.issuer.keys import issuer_signer
from licensing.issuer.revocations import revoke
from licensing.issuer.rotation import rotate
from licensing.issuer.statements import sign_revocations
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import seal
from licensing.signing.keys import create_key_pair, load_signer
from licensing.trust.updating import update_trust
from licensing.verdict.verdict import Cause, Status
from tests.azlic.conftest import Answer, Cli
from tests.licensing.another_user import UID, as_another_user, reachable_folder, root_only
from tests.site import LICENSE_ID, OPERATOR, START, Site, a_license
from tests.usage.lines import a_line

DAY = timedelta(days=1)
ASKED = ("--container", "read", "--image-version", "3.2.0")
STATED = ("--container", "read", "--expires", "2027-01-01")


def put(at: Site, /, **changes: object) -> None:
    at.install(a_license(**changes))


def install(at: Site, cli: Cli, /, **changes: object) -> Answer:
    """As advised: bring another license and install it."""
    content = seal(a_license(**({"serial": 9} | changes)).to_bytes(), LICENSE_TYPE, at.signer)
    (at.folder / "carried.dat").write_bytes(content)
    return cli("install", "carried.dat", "license", *ASKED)


def write(site: Site, content: bytes) -> None:
    (site.license / "license.dat").write_bytes(content)


def turn_key(site: Site, *, withdraw: bool = False) -> Path:
    """The issuer turns its key, and signs with the new one from now on."""
    path = rotate(site.public_key.parent, now=site.now, reason="yearly", withdraw_old=withdraw)
    site.signer = issuer_signer(site.public_key.parent)
    return path


def after_a_rotation(site: Site, _: Cli) -> None:
    (site.folder / "rotation").write_bytes(turn_key(site).read_bytes())
    put(site)


def by_a_new_issuer(site: Site, _: Cli) -> None:
    folder = site.folder / "new"
    folder.mkdir()
    create_key_pair(folder / "key.pem", folder / "new.pem")
    site.signer = load_signer(folder / "key.pem", folder / "new.pem")
    put(site)


def by_a_withdrawn_key(site: Site, _: Cli) -> None:
    put(site)
    update_trust(site.trust, [turn_key(site, withdraw=True)], as_of=site.now)


def taken_back(site: Site, _: Cli) -> None:
    put(site)
    row = {"license_id": LICENSE_ID, "up_to_serial": 5, "reason": "lost", "revoked_at": "2026-01-01T00:00:00Z"}
    with writing(site.issuer_store) as connection:
        connection.execute(insert(tables.RevocationRow), [row])
    content = sign_revocations(site.issuer_store, site.public_key.parent, now=site.now, actor="anna")[1]
    (site.folder / "list.json").write_bytes(content)
    update_trust(site.trust, [site.folder / "list.json"], as_of=site.now)


def adopted_then_changed(site: Site, cli: Cli) -> None:
    write(site, b"\x01 one")
    assert cli("adopt", "license", *STATED).status == 0
    write(site, b"\x01 another")


def accepted_before(serial: int, **changes: object) -> Callable[[Site, Cli], object]:
    def arrange(site: Site, cli: Cli) -> None:
        put(site, serial=5)
        assert cli("verify", "license", "--record").status == 0
        put(site, serial=serial, **changes)

    return arrange


def changed_after_signing(site: Site, _: Cli) -> None:
    put(site)
    fields = json.loads((site.license / "license.dat").read_bytes())
    fields["payload"] = base64.b64encode(a_license(grace_days=300).to_bytes()).decode()
    write(site, json.dumps(fields).encode())


def trust_set_back(site: Site, cli: Cli) -> None:
    put(site)  # by the first key, which is in force for a while yet
    (site.folder / "rotation").write_bytes(turn_key(site).read_bytes())
    assert cli("trust", "update", "rotation").status == 0
    assert cli("verify", "license", "--record").status == 0
    for path in site.trust.folder.rglob("*"):
        if path.is_file() and path.suffix != ".pem":
            path.unlink()


def put_in_place_of_the_link(site: Site, _: Cli) -> None:
    (site.license / "license.dat").unlink()
    put(site)


def put_in_place_of_the_folder(site: Site, _: Cli) -> None:
    (site.license / "license.dat").rmdir()
    put(site)


def clock_ran_ahead(site: Site, cli: Cli) -> None:
    put(site)
    site.sleep(days=2)
    assert cli("verify", "license", "--record").status == 0
    site.sleep(days=-1)


def ended(site: Site, _: Cli) -> None:
    put(site, expires_at=START + DAY)
    site.sleep(days=1)


def signed_after_its_key_ended(site: Site, _: Cli) -> None:
    update_trust(site.trust, [rotate(site.public_key.parent, now=site.now, reason="yearly")], as_of=site.now)
    put(site, issued_at=START + DAY)
    site.sleep(days=2)


def signed_anew(site: Site, _: Cli) -> None:
    site.signer = issuer_signer(site.public_key.parent)
    put(site, issued_at=START + DAY, serial=2)


def a_word_that_ended(site: Site, _: Cli) -> None:
    keys = site.public_key.parent
    update_trust(site.trust, [rotate(keys, now=site.now, reason="yearly", valid=10 * DAY)], as_of=site.now)
    put(site)
    site.sleep(days=9)
    (site.folder / "rotation").write_bytes(rotate(keys, now=site.now, reason="yearly").read_bytes())
    site.sleep(days=1)


def trust_in_the_mount(site: Site, _: Cli) -> None:
    put(site)
    shutil.copytree(site.trust.folder, site.license / "trust.d")


OF_AN_IMAGE = ("--container", "read", "--image", "other.example/read:3.2.0")


class Case(NamedTuple):
    """A situation, the words of the advice that are followed, and the following of them.

    ``asked`` is what is verified, ``then`` what is verified in the end, if that is something else.
    """

    status: Status
    cause: Cause | None
    arrange: Callable[[Site, Cli], object]
    advice: str
    follow: Callable[[Site, Cli], object]
    asked: tuple[str, ...] = ASKED
    then: tuple[str, ...] = ()


def versions(begins: str, below: str, kind: str = "read") -> dict[str, object]:
    return {"type": kind, "repositories": ["azlic/read"], "version_from": begins, "version_below": below}


def again(site: Site, _: Cli) -> None:
    put(site)


CASES = {
    "none": Case(Status.MISSING, None, lambda *_: None, "download a license into it", install),
    "torn": Case(Status.MALFORMED, None, lambda s, _: write(s, b'{"payload": "'), "Copy the file again", again),
    "twice in base64": Case(
        Status.MALFORMED, Cause.ENCODED_AGAIN,
        lambda s, _: write(s, base64.b64encode(s.install().read_bytes())), "Put license.dat itself there", again,
    ),
    "a link to nowhere": Case(
        Status.UNREADABLE, Cause.LINK_TO_NOWHERE, lambda s, _: (s.license / "license.dat").symlink_to("gone"),
        "Put license.dat itself there", put_in_place_of_the_link,
    ),
    "a folder": Case(
        Status.UNREADABLE, Cause.NOT_A_FILE, lambda s, _: (s.license / "license.dat").mkdir(),
        "as a regular file", put_in_place_of_the_folder,
    ),
    "opaque": Case(
        Status.OPAQUE, None, lambda s, _: write(s, b"{\x01"), "azlic adopt", lambda _, c: c("adopt", "license", *STATED)
    ),
    "adopted, then renewed": Case(
        Status.OPAQUE, Cause.ADOPTED_CHANGED, adopted_then_changed, "azlic adopt",
        lambda _, c: c("adopt", "license", *STATED, "--yes"),
    ),
    "the issuer turned its key": Case(
        Status.UNTRUSTED, Cause.UNKNOWN_KEY, after_a_rotation, "azlic trust update ROTATION",
        lambda _, c: c("trust", "update", "rotation"),
    ),
    "a new issuer": Case(
        Status.UNTRUSTED, Cause.UNKNOWN_KEY, by_a_new_issuer, "azlic trust add ISSUER.pem",
        lambda _, c: c("trust", "add", "new/new.pem"),
    ),
    "a withdrawn key": Case(
        Status.UNTRUSTED, Cause.WITHDRAWN_KEY, by_a_withdrawn_key, "Ask the issuer for a new license", install
    ),
    "trust set back": Case(
        Status.UNTRUSTED, Cause.OLDER_TRUST, trust_set_back, "azlic trust update FILE",
        lambda _, c: c("trust", "update", "rotation"),
    ),
    "changed": Case(Status.UNTRUSTED, Cause.CHANGED, changed_after_signing, "Copy the file again", again),
    "taken back": Case(Status.REVOKED, None, taken_back, "Ask the issuer why, and for a new license", install),
    "an older serial": Case(Status.SUPERSEDED, None, accepted_before(4), "Copy the newer license here", install),
    "two of a serial": Case(
        Status.CONFLICTING, None, accepted_before(5, grace_days=3), "Keep the license that ran before",
        lambda s, _: put(s, serial=5),
    ),
    "another type": Case(
        Status.WRONG_CONTAINER, None, lambda s, _: put(s, container=versions("3.2", "4", "speech-to-text")),
        "Download the license of this container", install,
    ),
    "another version": Case(
        Status.WRONG_IMAGE, None, lambda s, _: put(s, container=versions("4", "5")), "Download a new license", install
    ),
    "another instance": Case(
        Status.WRONG_INSTANCE, None, lambda s, _: put(s, instances=["line-2"]), "Download the license of this machine",
        lambda s, c: install(s, c, instances=["line-1"]),
    ),
    "another site": Case(
        Status.WRONG_INSTANCE, Cause.OTHER_SITE, lambda s, _: put(s, site="hall 8"),
        "Download the license of this machine", lambda s, c: install(s, c, site="hall 7"),
    ),
    "issued later": Case(
        Status.CLOCK_SUSPECT, Cause.ISSUED_LATER, lambda s, _: put(s, issued_at=START + DAY),
        "Set this machine's clock right", lambda s, _: s.sleep(days=2),
    ),
    "a clock behind": Case(
        Status.CLOCK_SUSPECT, Cause.CLOCK_BEHIND,
        clock_ran_ahead,
        "Set this machine's clock right", lambda s, _: s.sleep(days=1),
    ),
    "begins later": Case(
        Status.NOT_YET_VALID, None, lambda s, _: put(s, not_before=START + DAY), "Wait until it begins",
        lambda s, _: s.sleep(days=1),
    ),
    "ended": Case(Status.EXPIRED, None, ended, "Renew", install),
    "trust in the mount": Case(
        Status.UNTRUSTED, Cause.TRUST_IN_THE_MOUNT, trust_in_the_mount,
        "Keep the trust store outside the license folder: --trust FOLDER", lambda *_: None,
        (*ASKED, "--trust", "license/trust.d"), (*ASKED, "--trust", "trust.d"),
    ),
    "signed after its key's end": Case(
        Status.UNTRUSTED, Cause.KEY_NOT_IN_FORCE, signed_after_its_key_ended, "Tell the issuer", signed_anew
    ),
    "the issuer's word has ended": Case(
        Status.UNTRUSTED, Cause.TRUST_EXPIRED, a_word_that_ended, "azlic trust update FILE",
        lambda _, c: c("trust", "update", "rotation"),
    ),
    "an image of another maker": Case(
        Status.WRONG_IMAGE, Cause.OTHER_REPOSITORY, lambda s, _: put(s), "download the license of this one",
        lambda s, _: put(s, container=versions("3.2", "4") | {"repositories": ["other.example/read"]}), OF_AN_IMAGE,
    ),
}  # fmt: skip
ELSEWHERE = {Cause.CLOSED: "below: it takes another user"}


@pytest.fixture(autouse=True)
def _clock_and_place(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azlic.clock.now", site.clock)
    monkeypatch.setenv("AZLIC_SITE", "hall 7")
    monkeypatch.setenv("AZLIC_INSTANCE", "line-1")


def test_every_refusal_has_a_case() -> None:
    refusing = set(Status) - {Status.VALID, Status.EXPIRING, Status.GRACE}
    assert {case.status for case in CASES.values()} == refusing
    assert {case.cause for case in CASES.values()} - {None} | set(ELSEWHERE) == set(Cause)


@pytest.mark.parametrize("name", CASES)
def test_what_is_advised_about_a_refusal_mends_it(site: Site, cli: Cli, name: str) -> None:
    case = CASES[name]
    case.arrange(site, cli)
    told = json.loads(cli("verify", "license", *case.asked, "--json").out)
    assert (told["status"], told["cause"]) == (case.status, case.cause)
    assert case.advice in " ".join(cli("verify", "license", *case.asked).out.split())
    done = case.follow(site, cli)
    assert not isinstance(done, Answer) or done.status == 0, done
    assert cli("verify", "license", *(case.then or case.asked)).status == 0


@root_only
def test_a_license_that_is_closed_to_the_user_is_opened_as_advised(
    site: Site, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site)
    with reachable_folder() as folder:
        for name in ("license", "trust.d"):
            shutil.copytree(site.folder / name, folder / name)
        (folder / "license" / "license.dat").chmod(0o600)
        (folder / "azlic.toml").touch()
        monkeypatch.setenv("AZLIC_CONFIG", str(folder / "azlic.toml"))
        monkeypatch.setenv("AZLIC_TRUST", str(folder / "trust.d"))
        monkeypatch.chdir(folder)

        def verified() -> Answer:
            return cli("verify", folder / "license", *ASKED, "--database", folder / "azlic.db")

        told = " ".join(as_another_user(lambda: verified().out).split())
        advised = re.search(rf"chown -R {UID}\S* {folder}\S*", told)
        assert "UNREADABLE" in told and advised, told
        subprocess.run(shlex.split(advised[0]), check=True)
        assert as_another_user(lambda: verified().status) == "0"


def by_a_stranger(site: Site, _: Cli) -> bytes:
    folder = site.folder / "new"
    folder.mkdir()
    create_key_pair(folder / "key.pem", folder / "new.pem")
    return a_carried(load_signer(folder / "key.pem", folder / "new.pem"))


def a_carried(signer: Signer, **changes: object) -> bytes:
    return seal(a_license(**({"serial": 2} | changes)).to_bytes(), LICENSE_TYPE, signer)


def carried(**changes: object) -> Callable[[Site, Cli], bytes]:
    return lambda site, _: a_carried(site.signer, **changes)


def with_a_key_to_come(site: Site, _: Cli) -> bytes:
    (site.folder / "rotation").write_bytes(turn_key(site).read_bytes())
    return a_carried(site.signer)


def of_an_issuer_that_went_silent(site: Site, cli: Cli) -> bytes:
    a_word_that_ended(site, cli)
    (site.license / "license.dat").unlink()
    return a_carried(site.signer)


def of_an_issuer_seen_later(site: Site, cli: Cli) -> bytes:
    first = site.signer
    trust_set_back(site, cli)
    (site.license / "license.dat").unlink()
    return a_carried(first, serial=3)


def while_the_clock_is_behind(site: Site, cli: Cli) -> bytes:
    clock_ran_ahead(site, cli)
    (site.license / "license.dat").unlink()
    return a_carried(site.signer)


def after_a_newer(site: Site, cli: Cli) -> bytes:
    accepted_before(5)(site, cli)
    return a_carried(site.signer, serial=4)


def before_it_begins(site: Site, _: Cli) -> bytes:
    put(site)
    return a_carried(site.signer, not_before=START + DAY)


class Carried(NamedTuple):
    """What is carried here and not installed; the words of the hint, and what is done as it says."""

    arrange: Callable[[Site, Cli], bytes]
    hint: str
    follow: Callable[[Site, Cli], object]
    asked: tuple[str, ...] = ASKED


def bring(**changes: object) -> Callable[[Site, Cli], object]:
    """The issuer is asked for another license, and that is carried here."""
    return lambda site, _: (site.folder / "carried.dat").write_bytes(a_carried(site.signer, **changes))


CARRIED: dict[Cause | Status, Carried] = {
    Cause.OTHER_SITE: Carried(carried(site="hall 8"), "a license of this site", bring(site="hall 7")),
    Cause.OTHER_REPOSITORY: Carried(
        carried(), "a license of this image",
        bring(container=versions("3.2", "4") | {"repositories": ["other.example/read"]}), (*ASKED, *OF_AN_IMAGE[2:]),
    ),
    Status.WRONG_CONTAINER: Carried(
        carried(container=versions("3.2", "4", "speech-to-text")), "a license of this container type", bring()
    ),
    Status.WRONG_IMAGE: Carried(carried(container=versions("4", "5")), "a license of this image version", bring()),
    Status.WRONG_INSTANCE: Carried(
        carried(instances=["line-2"]), "a license of this instance", bring(instances=["line-1"])
    ),
    Status.OPAQUE: Carried(lambda *_: b"\x00 another maker's", "one of ours, copy it again", bring()),
    Status.NOT_YET_VALID: Carried(before_it_begins, "install it once it has begun", lambda s, _: s.sleep(days=1)),
    Cause.UNKNOWN_KEY: Carried(
        with_a_key_to_come, "azlic trust update ROTATION", lambda _, c: c("trust", "update", "rotation")
    ),
    Cause.TRUST_EXPIRED: Carried(
        of_an_issuer_that_went_silent, "azlic trust update FILE", lambda _, c: c("trust", "update", "rotation")
    ),
    Cause.OLDER_TRUST: Carried(
        of_an_issuer_seen_later, "azlic trust update FILE", lambda _, c: c("trust", "update", "rotation")
    ),
    Cause.ISSUED_LATER: Carried(
        carried(issued_at=START + DAY), "set the clocks of this machine and the issuer right",
        lambda s, _: s.sleep(days=2),
    ),
    Cause.CLOCK_BEHIND: Carried(
        while_the_clock_is_behind, "azlic clock strike",
        lambda _, c: c("clock", "strike", "evaluation", "license", "--reason", "it ran ahead", "--yes"),
    ),
    Status.SUPERSEDED: Carried(after_a_newer, "download again for one that is newer still", bring(serial=6)),
}  # fmt: skip


def test_every_hint_of_what_installs_has_a_case() -> None:
    assert set(CARRIED) == set(installing._HINTS)


@pytest.mark.parametrize("why", CARRIED)
def test_what_is_advised_about_a_license_that_was_not_installed_leads_to_one_that_is(
    site: Site, cli: Cli, why: Cause | Status
) -> None:
    case = CARRIED[why]
    assert site.ledger  # what was seen is remembered
    (site.folder / "carried.dat").write_bytes(case.arrange(site, cli))
    kept = {path: path.read_bytes() for path in site.license.iterdir()}
    refused = cli("install", "carried.dat", "license", *case.asked)
    assert refused.status == 1 and case.hint in " ".join(refused.err.split()), refused
    assert {path: path.read_bytes() for path in site.license.iterdir()} == kept
    done = case.follow(site, cli)
    assert not isinstance(done, Answer) or done.status == 0, done
    assert cli("install", "carried.dat", "license", *case.asked).status == 0
    assert cli("verify", "license", *case.asked).status == 0


def test_the_key_of_a_new_issuer_is_added_as_advised(site: Site, cli: Cli) -> None:
    (site.folder / "carried.dat").write_bytes(by_a_stranger(site, cli))
    assert "azlic trust add ISSUER.pem" in " ".join(cli("install", "carried.dat", "license", *ASKED).err.split())
    assert cli("trust", "add", "new/new.pem").status == 0
    assert cli("install", "carried.dat", "license", *ASKED).status == 0


def test_a_download_of_one_taken_back_is_not_told_to_approve_alone(site: Site, cli: Cli) -> None:
    site.add_resource()
    with site.license_server() as server:
        site.download(server)
        (known,) = list_containers(site.issuer_store)
        revoke(site.issuer_store, known.license_id, reason="sold", now=site.now, actor=OPERATOR)
        with pytest.raises(Denied) as denied:
            site.download(server)
        assert "where it took the license back, to begin a new one" in denied.value.hint
        store = ("--database", str(site.folder / "issuer.db"))
        assert cli("issuer", "container", "renew-id", "plant-read", "--container", "read", *store).status == 0
        assert site.download(server).may_run


def test_an_export_of_a_site_that_is_unknown_here_is_taken_once_it_is_enrolled(
    site: Site, cli: Cli, tmp_path: Path
) -> None:
    path = site.output / "read" / "0123456789ab" / "usage-2026-03-01.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(a_line("a") + b"\n")
    office = ("--database", "office.db", "--keys", "office")
    (site.folder / "office.db").touch()
    for words in (
        ("ingest", "output"),
        ("site", "init", "--keys", "mine"),
        ("site", "init", "--keys", "office"),
        ("site", "init", "--keys", "other"),
        ("export", "-o", "march.azlic", "--keys", "mine"),
        ("handing-sites", "add", "other", "other/site.pem", "--database", "office.db"),
    ):
        assert cli(*words).status == 0, words
    refused = cli("accept", "march.azlic", "-o", "march.ack", *office)
    assert refused.status == 1 and "azlic handing-sites add NAME site.pem" in refused.err
    for key in ((), ("--key", "other/site.pem")):
        unknown = cli("inspect", "march.azlic", *key)
        assert unknown.status in (1, 3) and "--key site.pem" in unknown.err
    assert cli("inspect", "march.azlic", "--key", "mine/site.pem").status == 0
    assert cli("handing-sites", "add", "hall 7", "mine/site.pem", "--database", "office.db").status == 0
    assert cli("accept", "march.azlic", "-o", "march.ack", *office).status == 0


def test_a_plan_is_taken_from_the_license_wherever_it_lies(site: Site, cli: Cli) -> None:
    assert site.ledger
    for words in (("report", "2026-03"), ("plan", "list")):
        assert "azlic plan import LICENSE" in cli(*words).out
    put(site)
    assert cli("plan", "import", "license").status == 0
    assert "plan import" not in cli("report", "2026-03").out


def test_nothing_is_pro_rated_from_a_day_that_is_over(site: Site, cli: Cli) -> None:
    put(site)
    assert cli("plan", "import", "license").status == 0
    path = site.output / "read" / "0123456789ab" / "usage-2026-03-01.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(a_line("a", 600_000) + b"\n")
    assert cli("ingest", "output").status == 0
    assert "pro-rated from 2026-03-01: 1" in " ".join(cli("report", "2026-03").out.split())
    site.sleep(days=60)
    over = " ".join(cli("report", "2026-03").out.split())
    assert "cover now 100,000 over: 1 unit" in over and "pro-rated" not in over
    assert "pro-rated from 2026-04-30: 1" in " ".join(cli("report", "2026-04").out.split())


def test_the_doctor_holds_no_needs_of_microsofts_image_against_our_own(site: Site, cli: Cli) -> None:
    put(site)
    said = [one["code"] for one in json.loads(cli("doctor", "--license", "license", "--json").out)["findings"]]
    assert not [code for code in said if code.startswith(("cores", "memory"))]


def test_an_ended_license_is_not_told_to_be_requested_where_it_was_adopted(
    site: Site, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZLIC_LICENSES", "license")
    write(site, b"\x01 another maker's")
    assert cli("adopt", "license", *STATED).status == 0
    site.sleep(days=400)
    (alert,) = [one for one in json.loads(cli("alerts", "--json").out)["alerts"] if one["kind"] == "license-expired"]
    assert "azlic adopt" in alert["action"] and "request" not in alert["action"]
    again = cli("adopt", "license", "--container", "read", "--expires", "2029-01-01", "--yes")
    assert again.status == 0 and cli("verify", "license").status == 0
