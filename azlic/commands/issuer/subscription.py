"""Approving and withdrawing subscriptions."""

from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

_Subscription = Annotated[str, typer.Argument(metavar="SUBSCRIPTION", help="The subscription of the resources.")]


def register(issuer: typer.Typer) -> None:
    """Put these commands into the issuer's group."""
    issuer.command("approve")(approve_command)
    issuer.command("withdraw")(withdraw_command)


def approve_command(subscription: _Subscription = "default", database: options.IssuerStore = None) -> None:
    """Approve a subscription for the containers of its resources.

    Example: azlic issuer approve default
    """
    from licensing.issuer.audit import operator
    from licensing.issuer.book import approve, open_stocked_issuer

    store = open_stocked_issuer(database or load_settings().database)
    changed = approve(store, subscription, now=clock.now(), actor=operator())
    output.say(f"subscription {subscription}: {'approved' if changed else 'approved already, nothing was changed'}")


def withdraw_command(subscription: _Subscription, database: options.IssuerStore = None) -> None:
    """Withdraw the approval of a subscription.

    Its resources download no more licenses; those it has run on to their end, unless they are revoked.

    Example: azlic issuer withdraw default
    """
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer, withdraw

    store = open_stocked_issuer(database or load_settings().database)
    changed = withdraw(store, subscription, now=clock.now(), actor=operator())
    told = "no longer approved" if changed else "was not approved, nothing was changed"
    output.say(f"subscription {subscription}: {told}")
