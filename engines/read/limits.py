"""How large a document may be: every bound of the Read engine in one value."""

from dataclasses import dataclass
from datetime import timedelta

from engines.read.refusal import Code, DocumentRefused
from engines.server.limits import LARGEST_BODY
from engines.server.uploads import UploadLimits

KEPT = timedelta(hours=48)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one document, and all documents together, may ask of the machine.

    Sides and page count are those of the Read 3.2 service. Sizes are held against a page's header, before
    its pixels are decoded. ``page_seconds`` bounds the opening of a document, and the decoding and the recognition of
    a page each. Recognition looks at it between steps, so that a page of nothing but noise can outstay it.
    So many ``documents`` are read at a time or wait for it; they, and those that still come in, are together at most
    ``documents_bytes`` long as they were sent. ``document_seconds`` bounds the reading of a whole document, where it is
    given. A result is ``kept`` for so long; a shared folder of
    results that has not answered for ``stored_seconds`` is given up.
    """

    body_bytes: int = LARGEST_BODY
    page_pixels: int = 100_000_000
    smallest_side: int = 50
    largest_side: int = 10_000
    pages: int = 2_000
    page_seconds: float = 60.0
    documents: int = 64
    documents_bytes: int = 512 * 1024 * 1024
    document_seconds: float | None = None
    kept: timedelta = KEPT
    stored_seconds: float = 10.0

    def __post_init__(self) -> None:
        self.uploads  # noqa: B018 - which is checked

    def check_body(self, size: int) -> None:
        """Refuse a body of ``size`` bytes that is over the limit."""
        if size > self.body_bytes:
            raise self._too_large()

    @property
    def uploads(self) -> UploadLimits:
        """What documents on their way in are held to."""
        return UploadLimits(self.body_bytes, self.documents_bytes, too_large=self._too_large, no_room=self._no_room)

    def _no_room(self) -> DocumentRefused:
        return DocumentRefused(
            Code.TOO_MANY_REQUESTS,
            f"the documents that are here have {self.documents_bytes} bytes, and this one came in most slowly",
            hint="try again in a few seconds",
        )

    def _too_large(self) -> DocumentRefused:
        words = f"the body has more than {self.body_bytes} bytes"
        return DocumentRefused(Code.INVALID_IMAGE_SIZE, words, hint="send the document in parts")

    def check_pages(self, count: int) -> None:
        """Refuse a document of ``count`` pages that is over the limit."""
        if count > self.pages:
            raise DocumentRefused(
                Code.INVALID_IMAGE_SIZE,
                f"the document has more than {self.pages} pages",
                hint="send the document in parts",
            )

    def check_page(self, number: int, size: tuple[int, int]) -> None:
        """Refuse page ``number`` if its ``size``, width and height in pixels, is out of bounds."""
        width, height = size
        sides_fit = self.smallest_side <= min(size) and max(size) <= self.largest_side
        if not sides_fit or width * height > self.page_pixels:
            raise DocumentRefused(
                Code.INVALID_IMAGE_DIMENSION,
                f"page {number} measures {width} x {height} pixels",
                hint=f"both sides must have {self.smallest_side} to {self.largest_side} pixels, "
                f"and the page at most {self.page_pixels}",
            )
