"""How answers leave: in pieces, so that a client that does not read holds a piece of its answer and not all of it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PIECE_BYTES = 64 * 1024


def in_pieces(app: ASGIApp) -> ASGIApp:
    """The application, whose answers are handed to the connection piece by piece, each when the last one has left."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_pieces(message: Message) -> None:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or len(body) <= PIECE_BYTES:
                await send(message)
                return
            for start in range(0, len(body), PIECE_BYTES):
                more = message.get("more_body", False) or start + PIECE_BYTES < len(body)
                await send({**message, "body": body[start : start + PIECE_BYTES], "more_body": more})

        await app(scope, receive, send_pieces)

    return answer
