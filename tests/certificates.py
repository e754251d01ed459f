"""A CA of a test's own, and what it signs: real certificates, for real sockets."""

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HERE = ("localhost", "127.0.0.1")
BEFORE, PAST, LATER = (
    datetime(2020, 1, 1, tzinfo=UTC),
    datetime(2021, 1, 1, tzinfo=UTC),
    datetime(2120, 1, 1, tzinfo=UTC),
)


class Authority:
    """A CA, whose certificate lies at ``path``; made by itself or, as one in between, by ``above``."""

    def __init__(self, folder: Path, name: str, above: "Authority | None" = None) -> None:
        self.folder = folder
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = generate_private_key(SECP256R1())
        self.path = folder / f"{name}.pem"
        is_ca = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(*[name in ("key_cert_sign", "crl_sign") for name in _USAGES])
        self.path.write_bytes((above or self)._sign(self.name, self.key, LATER, is_ca, usage))

    def server(self, *names: str, ends_at: datetime = LATER) -> tuple[Path, Path]:
        """A server's certificate and its key, for host names and addresses."""
        path = self.folder / f"{names[0]}-{len(list(self.folder.iterdir()))}.pem"
        key = generate_private_key(SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server")])
        called = x509.SubjectAlternativeName([_general_name(name) for name in names])
        path.write_bytes(self._sign(subject, key, ends_at, called))
        key_path = path.with_suffix(".key")
        key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        key_path.chmod(0o600)
        return path, key_path

    def _sign(
        self, subject: x509.Name, key: EllipticCurvePrivateKey, ends_at: datetime, *extensions: x509.ExtensionType
    ) -> bytes:
        builder = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=self.name, public_key=key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEFORE)
            .not_valid_after(ends_at)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=not isinstance(extension, x509.SubjectAlternativeName))
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.PEM)


_USAGES = [
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
