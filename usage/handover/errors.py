"""Why a file of the hand-over is not taken."""

from licensing.core.errors import AzlicError


class BadPackage(ValueError):
    """Bytes that are not the export they were taken for; the text says why not."""


class OtherForm(BadPackage):
    """An export as its site signed it, of a form that this version does not know: a newer azlic may have written it."""


class UnknownSigner(BadPackage):
    """An export that no key at hand has signed: another one may have."""


class HandoverRefused(AzlicError):
    """An export or an acknowledgement is not trusted, or does not fit what was seen before. Exit status 1: a "no"."""

    exit_status = 1
