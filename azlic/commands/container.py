"""The containers of this project, started as the documented docker command lines start them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.commands.listening import open_tls, show_url
from azlic.settings import Settings, load_settings
from licensing.core.text import command_word, name_word

if TYPE_CHECKING:
    from engines.container import ContainerPlace
    from engines.engine import EngineImage
    from engines.options import ContainerOptions
    from licensing.verdict.verdict import Verdict


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("engine", context_settings={"ignore_unknown_options": True})(engine_command)


def engine_command(
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="The container type: read or speech-to-text.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="The container's options, as above."),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="UID:GID", help="Continue as this user once everything is loaded (root only)."),
    ] = None,
    tls_certificate: options.TlsCertificate = None,
    tls_key: options.TlsKey = None,
    trust: options.Trust = None,
) -> None:
    """Run a container, as its docker command line would.

    With DownloadLicense=True it fetches its license and ends. Otherwise it starts only if its license lets it, serves
    until SIGTERM, and answers 503 from the instant the license ends. Without a license, Billing and a key make it
    connected: it reports its use to that endpoint, and answers 503 while that is not there.

    Its options, keys in any case, as words or as variables of the environment with : or __ between their parts:

    \b
      Eula=accept             accepts the license terms; needed always
      Mounts:License=/license the folder with license.dat
      Mounts:Output=/output   the folder that usage records go into
      urls=http://HOST:PORT   where to listen, else http://127.0.0.1:5000
      KnownProxies=ADDRESSES  the proxies whose X-Forwarded-* headers are believed
      DownloadLicense=True    fetch the license and end; needs the next two
      Billing=ENDPOINT        the resource's endpoint
      ApiKey=KEY              one of the resource's two API keys
      ApiKeyFile=FILE         the same in a file, which no process list shows
      Logging:Console:LogLevel:Default=Warning  the least level of the log
      Logging:Console:LogLevel=Warning          the same
      Logging:Console:LogLevel:NAME=Debug       the same of one category
      Logging:Console:Format=json               text, or a JSON object a line
      Logging:LogLevel:Default=Warning          the least level everywhere
      Logging:LogLevel:NAME=Debug               the same of one category
      Logging:Disk:Format=json                  the log in Mounts:Output, too
      Logging:Disk:LogLevel:Default=Debug       its least level
      Logging:Disk:LogLevel=Debug               the same
      Logging:Disk:LogLevel:NAME=Debug          the same of one category
      Logging:Disk:MaxFileSize=1                megabytes of a file, or -1
      Fluentd:Host=HOST       the log to Fluentd's forward protocol, too
      Fluentd:Port=24224      its port
      Fluentd:UseTLS=False    in the clear: nothing else is possible

    Of the engines, read takes:

    \b
      Models=/models                       the OCR models, else its own
      Languages=en,de                      the languages to open, else all
      Mounts:Shared=/share                 results of containers behind a balancer
      StorageTimeToLiveInMinutes=2880      how long results are kept
      Storage:TimeToLiveInDays=2           the same in days
      Task:MaxRunningTimeSpanInMinutes=60  how long one document may take

    Of the engines, speech-to-text takes:

    \b
      Models=/models                       the Vosk model, else its own

    Where a word and a variable disagree, the variable counts, and the log says so. Other documented settings of
    Azure's containers are taken, and the log says that they have no effect.

    A download trusts the CA in the file that SSL_CERT_FILE names, and only it.

    Example: azlic engine read eula=accept Mounts:License=/license Mounts:Output=/output
    """
    import logging
    import os

    from engines.catalogue import ENGINES, engine_options
    from engines.models import Models
    from licensing.core.errors import BadCall
    from licensing.core.user import parse_user

    if kind.lower() not in ENGINES:
        raise BadCall(f"there is no engine {kind!r}", hint=f"one of: {', '.join(ENGINES)}")
    start = engine_options(kind.lower(), words or (), os.environ)
    identity = parse_user(user) if user is not None else None
    settings = load_settings()
    output.log_to_stderr(start.logs.console, as_json=start.logs.console_json)
    logs = start.logs.begin()
    for remark in start.remarks:
        logging.getLogger("azlic.container").warning("%s", remark)
    image = ENGINES[kind.lower()]
    if start.download_license:
        _download(image, start, settings, trust, identity)
        return
    models = Models(start.models) if start.models else None
    sealed = models if models and models.are_sealed else None
    if not sealed:  # a sealed one waits for the license
        loading = image.load(models, start.own)

    from engines.container import ContainerPlace, connected, container_app, own_container_id, unlock
    from engines.server import process
    from licensing.trust.store import TrustStore
    from licensing.verdict.verdict import Verdict

    store = TrustStore(trust or settings.trust)
    place = ContainerPlace(settings.site or None, settings.instance, settings.database)
    tls = open_tls(tls_certificate, tls_key)
    start = connected(start) or start  # while whoever started it may still read the key
    if sealed:
        unlocked = unlock(sealed, image, start.license, trust=store, now=clock.now(), place=place)
        if isinstance(unlocked, Verdict):
            raise _refuse(unlocked, kind, place)
        loading = image.load(unlocked, start.own)
    listener = process.listen(start.host, start.port)
    loaded = loading()
    if identity:
        process.preload()
        process.drop_privileges(*identity)
    app = container_app(
        loaded,
        start,
        trust=store,
        clock=clock.now,
        container_id=own_container_id(os.environ),
        place=place,
        logs=logs,
    )
    if isinstance(app, Verdict):
        raise _refuse(app, kind, place)
    address = show_url(start.host, listener.getsockname()[1], encrypted=tls is not None)
    output.tell_or_log(
        f"Now listening on: {address}",
        "Application started. Press Ctrl+C to shut down.",
        as_json=start.logs.console_json,
    )
    process.serve(app, listener, tls=tls, proxies=start.proxies, websockets=image.kind.scheme == "ws")
    logs.close()


def _download(
    image: "EngineImage",
    start: "ContainerOptions",
    settings: Settings,
    trust: Path | None,
    identity: tuple[int, int] | None,
) -> None:
    from azlic.verifier import Verifier
    from engines.container import download_license
    from engines.server import process
    from licensing.history.read import read_memory

    if identity:
        process.preload()
        process.drop_privileges(*identity)
    verifier = Verifier.of(settings, trust)
    verdict = download_license(
        image,
        start,
        trust=verifier.trust,
        clock=clock.now,
        waiting=output.tell_of_waiting,
        slow=output.tell_of_slowness,
        seen=read_memory(settings.database),
        **verifier.here(),
    )
    output.say(f"license downloaded to {verdict.path}: {verdict.detail}")


def _refuse(verdict: "Verdict", kind: str, place: "ContainerPlace") -> typer.Exit:
    from engines.container import to_mend

    output.tell(f"azlic: the container does not start, its license is {verdict.status}: {verdict.detail}")
    where, instance = command_word(str(verdict.path)), name_word(place.instance_name)
    asked = f"azlic verify {where} --container {kind.lower()} --instance {instance}"
    output.tell(f"  try: {to_mend(verdict) or asked}")
    return typer.Exit(1)
