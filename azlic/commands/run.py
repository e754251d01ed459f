"""The documented line or manifest that starts a container."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import output
from azlic.settings import load_settings


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("run")(run_command)


def run_command(
    container: Annotated[
        str, typer.Argument(metavar="CONTAINER", help="A container of the catalogue, NAME or NAME:TAG, or an image.")
    ],
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Further settings of the container, as its pages name them."),
    ] = None,
    form: Annotated[
        str, typer.Option("--as", metavar="FORM", help="docker, compose, kubernetes, openshift or quadlet.")
    ] = "docker",
    download: Annotated[
        bool, typer.Option("--download", help="The step before: fetch the license, on a connected machine, and end.")
    ] = False,
    connected: Annotated[
        bool,
        typer.Option("--connected", help="A container without a license, which reports to --billing what it used."),
    ] = False,
    billing: Annotated[
        str | None,
        typer.Option("--billing", metavar="ENDPOINT", help="With --download or --connected: the resource's endpoint."),
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="IMAGE", help="The image, if it is in your own registry.")
    ] = None,
    license_folder: Annotated[
        Path | None, typer.Option("--license", metavar="FOLDER", readable=False, help="The license folder: ./license.")
    ] = None,
    output_folder: Annotated[
        Path | None, typer.Option("--output", metavar="FOLDER", readable=False, help="The output folder: ./output.")
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option("--models", metavar="FOLDER", readable=False, help="Its models, if it has any: ./models."),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", metavar="FOLDER", readable=False, help="The trust store, for azlic's own images."),
    ] = None,
    cpus: Annotated[
        str | None, typer.Option("--cpus", metavar="N", help="Cores; as recommended unless stated.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", metavar="SIZE", help="Memory, as 16g; as recommended unless stated.")
    ] = None,
    port: Annotated[int, typer.Option("--port", metavar="PORT", help="The port it answers on.")] = 5000,
    user: Annotated[str, typer.Option("--user", metavar="UID:GID", help="The user it runs as.")] = "65532:65532",
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its name; the container type unless stated.")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", metavar="NAME", help="The Kubernetes namespace.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", readable=False, help="Write to a file, not to stdout.")
    ] = None,
) -> None:
    """Write how a container is started.

    The documented line or manifest: license, mounts, cores and memory. Nothing is started. With --download it is the
    step before, which fetches the license; with --connected it runs without one. The API key is never part of what is
    written. On Kubernetes a folder is one of the node's; where none is named, it is a claim, which fsGroup gives to the
    container. For OpenShift user and group are left out: it chooses them.

    Example: azlic run read --as compose --license /srv/license --output /srv/output
    """
    from azlic.render.deployment import notes
    from licensing.containers import Image, find_container, require_image
    from licensing.core.errors import BadCall
    from licensing.core.files import write_whole
    from licensing.core.user import parse_user
    from licensing.deployment import CLUSTERS, FORMS, LARGEST_ID, Deployment, parse_settings, write_form

    if form not in FORMS:
        raise BadCall(f"there is no form {form!r}", hint=f"one of: {', '.join(FORMS)}")
    if download and connected:
        raise BadCall("--download and --connected exclude each other", hint="a connected container has no license")
    if not connected and download is (billing is None):
        raise BadCall("--download and --billing belong together", hint="the run without them comes after the download")
    kind, published = find_container(container)
    chosen = Image.parse(image) if image else published
    require_image(chosen)
    allotted = kind.needs_of(chosen.tag).allotted
    folders = {"license": license_folder, "output": output_folder, "models": models, "trust": trust}
    if form not in CLUSTERS:
        standing = {mount: Path(mount) for mount in folders} | {"trust": load_settings().trust}
        folders = {mount: folder or standing[mount] for mount, folder in folders.items()}
    deployment = Deployment(
        kind=kind,
        image=chosen,
        name=name or kind.name,
        cpus=cpus or str(allotted.cores),
        memory=memory.lower() if memory else f"{allotted.memory_gb}g",
        folders={mount: folder.absolute() for mount, folder in folders.items() if folder},
        port=port,
        user=parse_user(user, largest=LARGEST_ID),
        namespace=namespace,
        billing=billing,
        connected=connected,
        more=parse_settings(more or ()),
    )
    text = write_form(deployment, form)
    if file:
        write_whole(file, text.encode())
    else:
        output.emit(text.removesuffix("\n"))
    for note in notes(deployment, form):
        output.tell(f"azlic: {note}")
