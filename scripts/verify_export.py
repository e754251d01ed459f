"""Check an azlic usage export by a second computation, on purpose without azlic: Python and cryptography are enough.

    python verify_export.py EXPORT SITE_PUBLIC_KEY.pem [EXPORT_BEFORE]

1. signature  the site's key has signed the manifest (DSSE)
2. members    every file in the ZIP has the digest that the manifest names
3. chain      each batch follows the one before, from where EXPORT_BEFORE ended up to the head that was signed
4. contents   what each batch stored has the digest that the chain binds
5. sheets     the three CSV files show what the batches add up to, to the last digit
Leaves with status 0, or says what is wrong and leaves with 1. For totals without records only the signature stands.
"""

import base64
import csv
import hashlib
import io
import json
import sys
import zipfile
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

TYPE = "application/vnd.azlic.usage-export.v1+json"


def check(true, words):
    if not true:
        raise ValueError(words)


def digest(data):
    if not isinstance(data, bytes):
        data = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(data).hexdigest()


def read_manifest(archive, key):
    envelope = json.loads(archive.read("manifest.json"))
    payload = base64.b64decode(envelope["payload"])
    check(envelope["payloadType"] == TYPE, "it is a signed document of another type")
    signed = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    return json.loads(payload)


def check_members(archive, manifest):
    names = [member["name"] for member in manifest["members"]]
    check(archive.namelist() == [*names, "manifest.json"], "its files are not those that its manifest names")
    check(all(i.compress_type == zipfile.ZIP_STORED for i in archive.infolist()), "a file in it is packed")
    for member in manifest["members"]:
        found = hashlib.file_digest(archive.open(member["name"]), "sha256").hexdigest()
        check(found == member["sha256"], f"{member['name']} is not what was signed")


def batches(archive, manifest):
    head, expected = manifest["previous"]["head"], manifest["first_batch"]
    for line in io.BufferedReader(archive.open("batches.jsonl")):
        *batch, stated = json.loads(line)
        head = digest([f"azlic.batch/v{1 if len(batch) == 8 else 2}", head, *batch])
        check(batch[0] == expected and head == stated, f"batch {expected} does not follow the one before it")
        expected += 1
        yield batch
    check((expected - 1, head) == (manifest["last_batch"], manifest["head"]), "it does not end at the signed head")


def add_up(archive, manifest):
    """Totals by month and series, corrections, closes; from the records where there are any."""
    totals, corrections, closes, records = defaultdict(lambda: [0, 0]), [], [], 0
    if manifest["holds"] == "totals":
        held = json.loads(archive.read("totals.json"))
        chained = [[batch[0], batch[7]] for batch in batches(archive, manifest) if batch[1].startswith("close:")]
        check(chained == [[n, digest(c)] for n, c in held["closes"]], "its closes are not those chained")
        for day, series, quantity, count, _ in held["totals"]:
            add(totals, day * 86_400_000, series, quantity, count)
        return totals, held["corrections"], [close for _, close in held["closes"]], manifest["records"]
    lines = io.BufferedReader(archive.open("contents.jsonl"), 1 << 20)
    for batch in batches(archive, manifest):
        line = lines.readline()[:-1]
        check(digest(line) == batch[7], f"what it holds of batch {batch[0]} is not what is in the chain")
        is_close = batch[1].startswith("close:")
        closes += [json.loads(line)] if is_close else []
        _, rows, booked = [[], [], []] if is_close else [*json.loads(line), []][:3]
        late = {correction[4] for correction in booked if correction[1] == "late"}
        check([row[0] for row in rows] == list(range(batch[5], batch[5] + batch[6])), f"batch {batch[0]} has a gap")
        records += len(rows)
        corrections += booked
        for _, name, series, quantity, time, _, _ in rows:
            if name not in late:  # it counts as its correction
                add(totals, time, series, quantity, 1)
    check(not lines.read(1), "it holds more than its batches")
    return totals, corrections, closes, records


def add(totals, milliseconds, series, quantity, count):
    day = datetime.fromtimestamp(milliseconds // 1000, UTC)
    total = totals[day.year, day.month, series]
    total[:] = total[0] + quantity, total[1] + count


def sheet(archive, name):
    rows = csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline=""))
    return sorted([cell.removeprefix("'") for cell in row] for row in list(rows)[1:])


def check_sheets(archive, totals, corrections, closes):
    names = {key: [labels[i] for i in (5, 3, 0, 2, 1, 4)] for key, labels in json.loads(archive.read("series.json"))}

    def cells(*values, series, quantity, last):
        amount = f"{Decimal(quantity).scaleb(-6).normalize():f}"  # stored in millionths
        return [*map(str, values), *names[series], amount, str(last)]

    used = [cells(*month, series=s, quantity=q, last=n) for (*month, s), (q, n) in totals.items()]
    shut, put_right = [], []
    for _, month, why, at, rows, *_ in closes:
        shut += [cells(int(month[:4]), int(month[5:]), at, why, series=s, quantity=q, last=n) for s, q, n in rows]
    for _, kind, b, m, name, s, q, why in corrections:
        put_right.append(cells(*divmod(b, 100), *divmod(m, 100), kind, name, series=s, quantity=q, last=why))
    for name, rows in (("totals.csv", used), ("closes.csv", shut), ("corrections.csv", put_right)):
        check(sheet(archive, name) == sorted(rows), f"{name} shows other numbers than the batches hold")


def main(path, key_path, before=None):
    key = load_pem_public_key(Path(key_path).read_bytes())
    with zipfile.ZipFile(path) as archive:
        manifest = read_manifest(archive, key)
        check_members(archive, manifest)
        if before:
            ended = read_manifest(zipfile.ZipFile(before), key)
            end, begin = (ended["origin"], ended["head"]), (manifest["origin"], manifest["previous"]["head"])
            check(end == begin, f"it begins behind {begin}, and the export before it ended at {end}")
        totals, corrections, closes, records = add_up(archive, manifest)
        check(records == manifest["records"], "it holds another number of records than its manifest says")
        check_sheets(archive, totals, corrections, closes)
    print(f"sound: export {manifest['number']} of {manifest['site']}, made {manifest['created_at']}")
    print(f"  {records} records, {len(corrections)} corrections, closes {[close[1] for close in closes]}")
    print(f"  batches {manifest['first_batch']} to {manifest['last_batch']}, head {manifest['head']}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except InvalidSignature:
        sys.exit(f"{sys.argv[1]}: the site's key has not signed it")
    except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile) as error:
        sys.exit(f"{sys.argv[1] if len(sys.argv) > 1 else 'verify_export.py'}: {error}")
