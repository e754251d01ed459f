"""The report on paper: the same page as a PDF, laid out by WeasyPrint (extra ``pdf``)."""

import logging

from licensing.errors import BadCall


def pdf(page: str) -> bytes:
    """A page as a PDF. Raises ``BadCall`` where no renderer is installed; nothing is ever fetched."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:  # OSError: the wheel is there, and Pango is not
        raise BadCall(
            f"no renderer for PDF can be used here: {error}",
            hint="pip install 'azlic[pdf]', on Debian apt-get install libpango-1.0-0 libpangoft2-1.0-0 too;"
            " or print --format html from a browser",
        ) from error
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # properties for screens are none of its business
    nothing = URLFetcher(allowed_protocols=(), fail_on_errors=True)
    content: bytes = HTML(string=page, url_fetcher=nothing).write_pdf()
    return content
