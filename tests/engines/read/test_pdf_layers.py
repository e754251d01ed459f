"""Layers of a PDF are read as the standard says that a viewer shows them: ISO 32000-2, 8.11."""

import io
from collections.abc import Callable, Sequence
from itertools import product

import pytest
from pypdf import PdfWriter

from engines.read import Limits, Page, open_document
from tests.filled_forms import compressed_pdf, stream
from tests.pictures import pdf_of

FIRST = 5
"""The number of the first group or membership; those before it are the page and what it is made of."""
WAYS = ("text", "form", "picture", "annotation", "looks of an annotation")
ROW, COLUMN, MARK = 20, 60, 10


def layered(
    groups: Sequence[str], memberships: Sequence[str] = (), *, settings: str = "", write: Callable[..., bytes] = pdf_of
) -> bytes:
    """A page that shows a mark for each group and membership in each of the ways that something can be in a layer."""
    layers = [f"<< /Type /OCG /Name (layer) {group} >>" for group in groups]
    layers += [f"<< /Type /OCMD {membership} >>" for membership in memberships]
    listed = " ".join(f"{FIRST + place} 0 R" for place in range(len(groups)))
    content, objects, names, annotations = "", [], {"Properties": "", "XObject": ""}, ""
    first = FIRST + len(layers)
    mark = f"0 0 {MARK} {MARK} re f"
    for place in range(len(layers)):
        layer, y = f"{FIRST + place} 0 R", ROW * place
        form, picture, annotation, appearance, layered_appearance, last = range(first, first + 6)
        first = last + 1
        names["Properties"] += f" /P{place} {layer}"
        names["XObject"] += f" /F{place} {form} 0 R /I{place} {picture} 0 R"
        content += f"/OC /P{place} BDC q 1 0 0 1 0 {y} cm {mark} Q EMC q 1 0 0 1 {COLUMN} {y} cm /F{place} Do Q "
        content += f"q {MARK} 0 0 {MARK} {2 * COLUMN} {y} cm /I{place} Do Q "
        annotations += f" {annotation} 0 R {last} 0 R"
        looks = f"/Type /XObject /Subtype /Form /BBox [0 0 {MARK} {MARK}]"
        stamps = [
            f"<< /Type /Annot /Subtype /Stamp /F 4 /Rect [{x} {y} {x + MARK} {y + MARK}] {entries} >>"
            for x, entries in (
                (3 * COLUMN, f"/OC {layer} /AP << /N {appearance} 0 R >>"),
                (4 * COLUMN, f"/AP << /N {layered_appearance} 0 R >>"),
            )
        ]
        objects += [
            stream(mark, f"{looks} /OC {layer}"),
            stream(
                "\0",
                f"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8"
                f" /ColorSpace /DeviceGray /OC {layer}",
            ),
            stamps[0],
            stream(mark, looks),
            stream(mark, f"{looks} /OC {layer}"),
            stamps[1],
        ]
    resources = " ".join(f"/{kind} << {entries} >>" for kind, entries in names.items())
    return write(
        f"<< /Type /Catalog /Pages 2 0 R /OCProperties << /OCGs [{listed}] /D << {settings} >> >> >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {COLUMN * len(WAYS)} {max(ROW * len(layers), 30)}]"
        f" /Contents 4 0 R /Annots [{annotations}] /Resources << {resources} >> >>",
        stream(content),
        *layers,
        *objects,
    )


def marks(page: Page, place: int) -> dict[str, bool]:
    """In which of the ways the mark of a layer is shown."""
    middle = page.height - round((ROW * place + MARK / 2) * 200 / 72)
    columns = [round((COLUMN * way + MARK / 2) * 200 / 72) for way in range(len(WAYS))]
    return {way: page.pixels[middle * page.width + x] < 128 for way, x in zip(WAYS, columns, strict=True)}


def shown(body: bytes, layers: int) -> list[bool]:
    """Whether each layer is shown; in all ways alike."""
    page = open_document(body, Limits()).page(1)
    answers = []
    for place in range(layers):
        states = marks(page, place)
        assert len(set(states.values())) == 1, (place, states)
        answers.append(states["text"])
    return answers


SET = {"": True, "/OFF [#]": False, "/BaseState /OFF": False, "/BaseState /OFF /ON [#]": True}
SAID = {"": None, "/View << /ViewState /ON >>": True, "/View << /ViewState /OFF >>": False}
PRINTED = {"": None, "/Print << /PrintState /ON >>": True, "/Print << /PrintState /OFF >>": False}
ZOOMED = {"": None, "/Zoom << /min 2 >>": False, "/Zoom << /max 1 >>": False, "/Zoom << /min 1 /max 2 >>": True}
USES = {
    "": "",
    "/Event /View /Category [/View]": "v",
    "/Event /View /Category [/View /Zoom]": "vz",
    "/Event /View /Category [/Print /Zoom /User]": "pz",
    "/Event /Print /Category [/View /Print]": "",
}
USAGES = list(product(SAID, PRINTED, ZOOMED))


def settings(setting: str, use: str, count: int) -> str:
    every = " ".join(f"{FIRST + place} 0 R" for place in range(count))
    return setting.replace("#", every) + (f" /AS [<< {use} /OCGs [{every}] >>]" if use else "")


@pytest.mark.parametrize("setting", SET)
@pytest.mark.parametrize("use", USES)
def test_what_a_group_says_of_viewing_counts_where_the_configuration_asks_for_it(setting: str, use: str) -> None:
    groups, expected = [], []
    for view, printed, zoom in USAGES:
        groups.append(f"/Usage << {view} {printed} {zoom} >>")
        asked = {"v": SAID[view], "p": PRINTED[printed], "z": ZOOMED[zoom]}
        said = [state for letter in USES[use] if (state := asked[letter]) is not None]
        expected.append(all(said) if said else SET[setting])
    assert shown(layered(groups, settings=settings(setting, use, len(groups))), len(groups)) == expected


GROUPS = ["", "", "/Intent /Design", "/Intent [/Design /View]", "/Intent /All"]
INTENTS = {
    "": [True, False, True, False, True],
    "/Intent /Design": [True, True, False, False, True],
    "/Intent [/View /Design]": [True, False, False, False, True],
    "/Intent /All": [True, False, False, False, False],
    "/Intent []": [True] * 5,
    "/Locked [6 0 R] /RBGroups [[5 0 R 6 0 R]] /Order [5 0 R [6 0 R]] /ListMode /VisiblePages": [
        *(True, False, True, False, True)
    ],
}


@pytest.mark.parametrize("entries", INTENTS)
def test_a_group_of_another_intent_hides_nothing(entries: str) -> None:
    off = "/OFF [6 0 R 7 0 R 8 0 R 9 0 R]"
    assert shown(layered(GROUPS, settings=f"{off} {entries}"), 5) == INTENTS[entries]


def test_groups_of_which_one_should_be_on_are_shown_as_they_are_set() -> None:
    assert shown(layered(["", "", ""], settings="/RBGroups [[5 0 R 6 0 R 7 0 R]] /OFF [7 0 R]"), 3) == [
        True,
        True,
        False,
    ]


ON, OFF, DESIGN, LOST = "5 0 R", "6 0 R", "7 0 R", "999 0 R"
MEMBERSHIPS = {
    **{
        f"/OCGs [{groups}] /P {policy}": expected
        for policy, *answers in (
            ("/AllOn", True, False, False, True, False),
            ("/AnyOn", True, True, False, True, False),
            ("/AnyOff", False, True, True, False, True),
            ("/AllOff", False, False, True, False, True),
        )
        for groups, expected in zip(
            (ON, f"{ON} {OFF}", OFF, f"{ON} null {DESIGN} {LOST}", f"null {OFF} {LOST}"), answers, strict=True
        )
    },
    **{f"/OCGs {OFF} /P {policy}": policy.endswith("Off") for policy in ("/AllOn", "/AnyOn", "/AnyOff", "/AllOff")},
    **{f"/OCGs {ON} /P {policy}": policy.endswith("On") for policy in ("/AllOn", "/AnyOn", "/AnyOff", "/AllOff")},
    f"/OCGs {OFF}": False,
    "/OCGs []": True,
    "/OCGs [null]": True,
    f"/OCGs {LOST} /P /AllOff": True,
    f"/OCGs [{DESIGN}] /P /AllOff": True,
    "": True,
    f"/VE [/Not {OFF}]": True,
    f"/VE [/Not {ON}] /OCGs {ON}": False,
    f"/VE [/And {ON} [/Not {OFF}]]": True,
    f"/VE [/Or {OFF} [/And {ON} {OFF}]]": False,
    f"/VE [/Or {OFF} [/Not [/And {ON} {OFF}]]]": True,
    f"/VE [] /OCGs {OFF}": False,
}


def memberships(**options: Callable[..., bytes]) -> bytes:
    return layered(["", "", "/Intent /Design"], list(MEMBERSHIPS), settings=f"/OFF [{OFF} {DESIGN}]", **options)


def encrypted(*objects: str, algorithm: str = "AES-128") -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pdf_of(*objects)))
    writer.encrypt("", "owner", algorithm=algorithm)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


WRITTEN: dict[str, Callable[..., bytes]] = {
    "plain": pdf_of,
    "compressed": compressed_pdf,
    "encrypted": encrypted,
    "after other bytes": lambda *objects: b"something else\n" + pdf_of(*objects),
    "with a wrong table": lambda *objects: pdf_of(*objects).replace(b"startxref\n", b"startxref\n9"),
    "with a damaged table": lambda *objects: pdf_of(*objects).replace(b"xref\n0", b"xxxx\n0"),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_memberships_are_decided_by_their_groups_however_the_file_is_written(how: str) -> None:
    expected = [True, False, True, *MEMBERSHIPS.values()]
    assert shown(memberships(write=WRITTEN[how]), len(expected)) == expected


def test_what_is_in_two_layers_is_shown_where_both_are() -> None:
    outer, inner = b"/OC /P0 BDC q 1 0 0 1 0 0 cm", b"/OC /P1 BDC /OC /P0 BDC q"
    body = layered(["", ""], settings="/OFF [6 0 R]")
    assert outer in body
    nested = open_document(body.replace(outer, inner.ljust(len(outer))), Limits()).page(1)
    assert marks(nested, 0) == {way: "annotation" in way for way in WAYS}
