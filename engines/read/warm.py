"""Reading once before the first client: what is loaded late is loaded now."""

import asyncio
import io
from contextlib import closing

from PIL import Image, ImageDraw, ImageFont

import engines.read.api  # noqa: F401 - an engine loads it when it is asked for its routes
from engines.read.decoding import Decoders
from engines.read.limits import Limits
from engines.read.pages import Page, open_document
from engines.read.recognise import Recogniser
from engines.read.result import page_result


def warm_up(recogniser: Recogniser) -> None:
    """Read a tiny page with every model, through the whole path, as an image and as a PDF.

    Afterwards no import and no model file is left for later: a process may give up the right to read them.
    """
    page = Image.new("L", (400, 100), "white")
    ImageDraw.Draw(page).text((40, 30), "warming up", font=ImageFont.load_default(size=40))
    # Upside down, because the model that finds out which way is up is loaded only for a poor page.
    upside_down = page.transpose(Image.Transpose.ROTATE_180)
    limits = Limits()
    for kind in ("PNG", "TIFF", "JPEG", "BMP", "PDF"):
        encoded = io.BytesIO()
        upside_down.save(encoded, kind, resolution=100)
        open_document(encoded.getvalue(), limits).page(1)
    decoded = asyncio.run(_decode(encoded.getvalue(), limits))
    # Idle models queue up, so that as many readings as there are models reach each of them.
    for model in (None, *recogniser.models):
        for _ in range(recogniser.threads):
            page_result(decoded, recogniser.read(decoded, seconds=limits.page_seconds, model=model))


async def _decode(body: bytes, limits: Limits) -> Page:
    with closing(await Decoders(limits, pages=1).open(body)) as document:
        return await document.page(1)
