"""The report on paper: the same page as a PDF, laid out by WeasyPrint (extra ``pdf``)."""

import contextlib
import logging
from collections.abc import Iterator

from licensing.core.errors import BadCall


def report_pdf(page: str) -> bytes:
    """A page as a PDF. Raises ``BadCall`` where no renderer is installed; nothing is ever fetched."""
    try:
        with _pillow_as_strict_as_before():
            from weasyprint import HTML
            from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:  # OSError: the wheel is there, and Pango is not
        raise BadCall(
            f"no PDF renderer is available: {error}",
            hint="pip install 'azlic[pdf]', on Debian apt-get install libpango-1.0-0 libpangoft2-1.0-0 too;"
            " or print --format html from a browser",
        ) from error
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # properties for screens are none of its business
    nothing = URLFetcher(allowed_protocols=(), fail_on_errors=True)
    content: bytes = HTML(string=page, url_fetcher=nothing).write_pdf()
    return content


@contextlib.contextmanager
def _pillow_as_strict_as_before() -> Iterator[None]:
    """Importing WeasyPrint tells Pillow, for the whole process, to take broken images; nobody else wants that."""
    from PIL import ImageFile

    before = ImageFile.LOAD_TRUNCATED_IMAGES
    yield
    ImageFile.LOAD_TRUNCATED_IMAGES = before
