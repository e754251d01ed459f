"""The answer of a command: in words for people, and under the name of a schema for scripts."""

from collections.abc import Callable
from typing import Generic, ParamSpec

from azlic.lines import fitted
from azlic.output import emit, encodable
from azlic.render.fields import Plain, json_text, plain

P = ParamSpec("P")


class Answer(Generic[P]):
    """One kind of answer that commands give, and its two forms; the name of its schema is here and nowhere else."""

    def __init__(
        self, schema: str, text: Callable[P, str], fields: Callable[P, object], *, is_fitted: bool = False
    ) -> None:
        """``is_fitted``: the text has its lines as they are to be, with commands that no break may go through."""
        self.schema = schema
        self.text = text
        self._fields = fields
        self._is_fitted = is_fitted

    def give(self, as_json: bool, /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Print the answer, as JSON or in words."""
        if as_json:
            emit(self.json(*args, **kwargs))
        else:
            text = self.text(*args, **kwargs)
            emit(text if self._is_fitted else fitted(text))

    def json(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The answer as indented JSON."""
        return _encoded(self.document(*args, **kwargs), indented=True)

    def line(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The answer as JSON on one line."""
        return _encoded(self.document(*args, **kwargs), indented=False)

    def document(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, Plain]:
        """The answer's fields; the first names the schema that they hold to."""
        fields = plain(self._fields(*args, **kwargs))
        if not isinstance(fields, dict):
            raise TypeError(f"the fields of {self.schema} have no names")
        return {"schema": self.schema} | fields


def _encoded(document: dict[str, Plain], *, indented: bool) -> str:
    """JSON that stdout can print: where its encoding does not have a character, all are escaped."""
    text = json_text(document, indented=indented)
    return encodable(text, instead="") or json_text(document, indented=indented, ascii_only=True)
