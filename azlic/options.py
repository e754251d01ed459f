"""The options that several commands share, each in one place."""

from pathlib import Path
from typing import Annotated

import typer

from licensing import containers
from licensing.containers import container_type, version_key
from licensing.core.errors import BadCall


def _container(name: str | None) -> str | None:
    return None if name is None else container_type(name).name


def _version(version: str | None) -> str | None:
    try:
        if version is not None:
            version_key(version)
    except ValueError as error:
        raise BadCall(f"--image-version {error}", hint="write it as in the image's tag: 3.2.0") from error
    return version


def _image(image: str | None) -> str | None:
    return None if image is None else str(containers.Image.parse(image))


Database = Annotated[
    str | None,
    typer.Option("--database", metavar="PATH|URL", help="The ledger, a file or a URL.  [env: AZLIC_DATABASE]"),
]
IssuerStore = Annotated[
    str | None,
    typer.Option("--database", metavar="PATH|URL", help="The issuer's store, a file or a URL.  [env: AZLIC_DATABASE]"),
]
Trust = Annotated[
    Path | None,
    typer.Option(
        "--trust", metavar="FOLDER", readable=False, help="The trust store, a folder of keys.  [env: AZLIC_TRUST]"
    ),
]
IssuerKeys = Annotated[
    Path | None,
    typer.Option(
        "--keys", metavar="FOLDER", readable=False, help="The issuer's signing key folder.  [env: AZLIC_ISSUER_KEYS]"
    ),
]
KeysTo = Annotated[
    Path,
    typer.Option("--keys-to", metavar="FOLDER", readable=False, help="Where API keys are written: key1, key2; 0600."),
]
TlsCertificate = Annotated[
    Path | None,
    typer.Option(
        "--tls-certificate",
        metavar="FILE",
        readable=False,
        help="The server's certificate (PEM), then the CAs between.",
    ),
]
TlsKey = Annotated[
    Path | None,
    typer.Option("--tls-key", metavar="FILE", readable=False, help="Its key (PEM), closed to others."),
]
IssuerCa = Annotated[
    Path | None,
    typer.Option(
        "--ca",
        metavar="FILE",
        readable=False,
        help="The CA (PEM) that must vouch for the endpoint; no other may.  [env: AZLIC_ISSUER_CA]",
    ),
]
LicenseFolder = Annotated[Path, typer.Option("--license", metavar="FOLDER", readable=False, help="The license folder.")]
OutputFolders = Annotated[
    list[Path] | None,
    typer.Option(
        "--output", metavar="FOLDER", readable=False, help="An output folder; may be given again.  [default: /output]"
    ),
]
Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to listen.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON with a schema name, for scripts.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="Answer as of this date or instant (UTC), not as of now."),
]
From = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="From this day or instant on (UTC); it is included.")
]
To = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="Up to this day or instant (UTC); it is not included.")
]
Container = Annotated[
    str | None,
    typer.Option("--container", metavar="TYPE", callback=_container, help="The container type it must be for."),
]
ForContainer = Annotated[
    str, typer.Option("--container", metavar="TYPE", callback=_container, help="The container type it is for.")
]
ImageVersion = Annotated[
    str | None,
    typer.Option("--image-version", metavar="VERSION", callback=_version, help="The image version it must cover."),
]
Image = Annotated[
    str | None,
    typer.Option("--image", metavar="IMAGE", callback=_image, help="The image it must cover: REPOSITORY:TAG."),
]
Instance = Annotated[
    str | None,
    typer.Option("--instance", metavar="NAME", help="The instance it must be for, where it is bound."),
]
ForImageVersion = Annotated[
    str,
    typer.Option("--image-version", metavar="VERSION", callback=_version, help="The version of the image to be run."),
]
