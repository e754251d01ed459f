"""The issuer's desk: the sites whose signed requests are answered, and the answering."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings
from licensing.core.text import name_word

app = typer.Typer(help="The sites whose signed requests are answered.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The site's name, as its AZLIC_SITE has it.")]


def register(issuer: typer.Typer) -> None:
    """Put these commands into the issuer's group."""
    issuer.add_typer(app, name="site")
    issuer.command("answer")(answer_command)


@app.command("add")
def add_command(
    name: _Name,
    key: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The site's public key, site.pem.")],
    resource: Annotated[
        list[str], typer.Option("--resource", metavar="NAME", help="A resource whose licenses it may ask for.")
    ],
    database: options.IssuerStore = None,
) -> None:
    """Enrol a site, or give it more resources.

    Compare the fingerprint with the site first, over another channel than the file's.

    Example: azlic issuer site add hall-7 site.pem --resource plant-read
    """
    from azlic.render.requests import site_text
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.sites import add_site

    store = open_stocked_issuer(database or load_settings().database)
    added = add_site(store, name, key, resource, now=clock.now(), actor=operator())
    output.say(*site_text(added).split("\n"))


@app.command("list")
def list_command(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """List the enrolled sites.

    Example: azlic issuer site list
    """
    from azlic.render.requests import ENROLLED_SITES
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.sites import list_sites

    known = list_sites(open_stocked_issuer(database or load_settings().database))
    ENROLLED_SITES.give(json, known)


@app.command("remove")
def remove_command(
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm: refuse its requests from now on.")] = False,
    database: options.IssuerStore = None,
) -> None:
    """Refuse further requests of a site.

    The licenses it has go on running until they end.

    Example: azlic issuer site remove hall-7 --yes
    """

    from licensing.core.errors import BadCall
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.sites import remove_site

    if not yes:
        raise BadCall(
            f"requests of site {name} will be refused, including those on their way",
            hint=f"azlic issuer site remove {name_word(name)} --yes",
        )
    remove_site(open_stocked_issuer(database or load_settings().database), name, now=clock.now(), actor=operator())
    output.say(f"site {name}: removed")


def answer_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The request to answer.")],
    license_file: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", readable=False, help="Where to write license.dat.")
    ],
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", help="The issuer's own address, for the license.  [env: AZLIC_ISSUER_URL]"
        ),
    ] = None,
    max_days: Annotated[int, typer.Option(metavar="N", min=1, max=3650, help="How old a request may be.")] = 30,
    database: options.IssuerStore = None,
    keys: options.IssuerKeys = None,
    json: options.Json = False,
) -> None:
    """Answer a site's signed request with a license.

    The rules are those of a download; the site's signature replaces the API key. The same request gets the same
    license again. Exit status 1 when the answer is no.

    Example: azlic issuer answer request.dsse -o license.dat --url https://issuer.example
    """
    from azlic.render.requests import ANSWER
    from licensing.core.errors import NoGoodLicense
    from licensing.core.files import write_whole
    from licensing.delivery.denial import Denial
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.desk import WHAT_TO_DO, answer_request, check_base_url, read_request
    from licensing.issuer.issue import Issuer
    from licensing.issuer.keys import issuer_signer

    settings = load_settings()
    base_url = check_base_url(url or settings.issuer_url)
    content = read_request(file)
    store = open_stocked_issuer(database or settings.database)
    issuer = Issuer(store, issuer_signer(keys or settings.issuer_keys), base_url=base_url)
    given = answer_request(store, issuer, content, now=clock.now(), max_days=max_days)
    if isinstance(given, Denial):
        raise NoGoodLicense(f"{given.code}: {given.detail}", hint=given.hint or WHAT_TO_DO[given.code])
    write_whole(license_file, given.content)
    ANSWER.give(json, given, license_file)
