"""TLS on both sides of a download: which CA a client trusts, and what a server shows of itself."""

import ssl
from datetime import datetime
from functools import cache
from pathlib import Path

import httpx
from cryptography.x509 import load_pem_x509_certificate

from licensing.core.errors import AzlicError
from licensing.core.files import FileTooLarge, read_capped, read_file, unreadable
from licensing.core.text import command_word

MAX_PEM_BYTES = 1024 * 1024
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64
"""Reasons of OpenSSL for a certificate that it does not take. Source: openssl-verification-options(1), x509_vfy.h."""


@cache
def public_roots() -> ssl.SSLContext:
    """A client that trusts the public CAs, as certifi has them, and nothing from the environment; read only once."""
    return httpx.create_ssl_context(trust_env=False)


def client_context(ca: Path) -> ssl.SSLContext:
    """A client that trusts the CA in a PEM file, and no other, whatever this machine trusts.

    The file may hold several certificates, as while a CA is being replaced, and an intermediate CA may be pinned.
    Raises ``AzlicError`` for a file that cannot be read or is not a certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the chain and the host's name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    content = _certificates(ca)
    try:
        context.load_verify_locations(cadata=content)
    except (ssl.SSLError, ValueError) as error:
        raise _no_certificate(ca) from error
    return context


def _certificates(ca: Path) -> str:
    try:
        content = read_file(ca, MAX_PEM_BYTES, "the CA file").decode(
            "ascii", "ignore"
        )  # comments may be in any language
    except FileTooLarge as error:
        raise _no_certificate(ca) from error
    if "PRIVATE KEY-----" in content:
        raise AzlicError(
            f"the CA file {ca} holds a PRIVATE key, which must never travel",
            hint="ask the issuer for the CA's certificate alone; whoever has this file can pass for the issuer",
        )
    return content


def _no_certificate(ca: Path) -> AzlicError:
    return AzlicError(
        f"the CA file {ca} holds no certificate in PEM form", hint="name the certificate of the issuer's CA"
    )


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server that shows a certificate, its own first and the CAs between after it, in PEM files.

    Raises ``AzlicError`` for a key that others may read, has a password or belongs to another certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _check_private(key)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        raise AzlicError(
            f"the TLS key {key} "
            + (f"does not belong to the certificate {certificate}" if mismatch else f"or {certificate} cannot be used"),
            hint="name a certificate and a key that belong together"
            if mismatch
            else "both are PEM files, the key without a password: openssl pkey -in OLD -out NEW removes it",
        ) from error
    except OSError as error:
        raise unreadable(certificate, error) from error
    return context


def certificate_ends(certificate: Path) -> datetime:
    """Until when the server's own certificate is valid: the first in its file, which a context was made of before."""
    return load_pem_x509_certificate(read_capped(certificate, MAX_PEM_BYTES)).not_valid_after_utc


def _no_password() -> str:
    return ""  # instead of asking at the terminal


def _check_private(key: Path) -> None:
    try:
        open_to_others = key.stat().st_mode & 0o007
    except OSError as error:
        raise unreadable(key, error) from error
    if open_to_others:
        raise AzlicError(f"the TLS key {key} is open to other users", hint=f"chmod 600 {command_word(str(key))}")


def handshake_fault(error: ssl.SSLError, ca: Path | None) -> tuple[str, str]:
    """Why a handshake failed and what to try; trying again cannot fix it."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"no TLS handshake: {(error.reason or str(error)).replace('_', ' ').lower()}",
            "that port may not speak TLS: check it, or write http:// where the issuer is on this very machine",
        )
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return (
            "the server's certificate is for another name",
            "use a name from the certificate in the endpoint, or get a certificate for this name",
        )
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        return (
            "the server's certificate " + ("has expired" if error.verify_code == _EXPIRED else "is not valid yet"),
            "check this machine's clock; if it is right, have the issuer renew the certificate",
        )
    return (
        f"the server's certificate is not from {ca or 'a CA that is known here'}: {error.verify_message}",
        "ask the issuer which CA made its certificate"
        if ca
        else "name the issuer's CA: --ca FILE, for a container SSL_CERT_FILE",
    )
