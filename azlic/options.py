"""The options that several commands share, each in one place."""

from pathlib import Path
from typing import Annotated

import typer

Database = Annotated[
    str | None,
    typer.Option("--database", metavar="PATH|URL", help="The ledger, a file or a URL.  [env: AZLIC_DATABASE]"),
]
Trust = Annotated[
    Path | None,
    typer.Option("--trust", metavar="FOLDER", help="The folder of trusted public keys.  [env: AZLIC_TRUST]"),
]
IssuerKeys = Annotated[
    Path | None,
    typer.Option("--keys", metavar="FOLDER", help="The issuer's key folder.  [env: AZLIC_ISSUER_KEYS]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON with a schema name, for scripts.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="Answer as of this date or instant (UTC), not as of now."),
]
Container = Annotated[
    str | None, typer.Option("--container", metavar="TYPE", help="The container type it must be for.")
]
