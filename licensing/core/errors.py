"""The one family of errors: what happened, what to try, and with which exit status to leave."""


class AzlicError(Exception):
    """Something kept azlic from answering.

    ``message`` says what happened and where, ``hint`` what to try. ``exit_status`` is 3, "the environment
    failed", unless a subclass says otherwise. An answer of "no" is a value, never an error.
    """

    exit_status: int = 3

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadCall(AzlicError):
    """The command line or a settings file asks for something that is invalid. Exit status 2."""

    exit_status = 2


class NoGoodLicense(AzlicError):
    """Something was to be done with a license, and it is not valid. Exit status 1: it is a "no"."""

    exit_status = 1
