"""JSON as an HTTP answer has it, in which nothing steers the terminal that shows it."""

import json

from starlette.responses import JSONResponse

from licensing.core.text import json_escaped


class EscapedJSONResponse(JSONResponse):
    """An answer in JSON; names come from outside, and what cannot be printed in them is an escape."""

    def render(self, content: object) -> bytes:
        """The content as UTF-8."""
        return json_escaped(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))).encode()
