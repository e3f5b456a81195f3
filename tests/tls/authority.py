"""A private certificate authority and what it has issued, as files.

``Authority`` writes them once into a folder; their names are its attributes.
"""

from __future__ import annotations

import base64
import datetime
import ssl
from typing import TYPE_CHECKING

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

_DAY = datetime.timedelta(days=1)

#: Whom the servers' certificates are for.
HOST = "test.example"

#: Where the certificate ``leaf`` says that its status can be asked for.
RESPONDER = "http://127.0.0.1:8888/ocsp?foo=1"


class Authority:
    """The authority and its files in *folder*, all in PEM.

    Attributes:
        ca: the authority's certificate.
        stranger: that of another authority.
        server: a certificate for HOST, issued through an intermediate, and its key.
        expired: the same, of the past.
        selfsigned: a certificate that nobody else has signed, and its key.
        foreign: the same, whose name is not ASCII.
        malformed: the same, valid until a time that there is not.
        client: a client's certificate with its key.
        encrypted: ``server`` with its key encrypted.
        passwords: the passwords that may be its own.
        crl: a list that revokes nothing.
        revoking: a list that revokes ``server``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ca = trustme.CA()
        self._inner = self._ca.create_child_ca()
        self.ca = self._write("ca.pem", self._ca.cert_pem.bytes())
        self.stranger = self._write("stranger.pem", trustme.CA().cert_pem.bytes())
        self._server = self._ca.issue_cert(HOST, "127.0.0.1")
        self.server = self._keep("server", self._server)
        self.chained = self._keep("chained", self._inner.issue_cert(HOST))
        past = datetime.datetime.now(datetime.UTC) - _DAY
        expired = self._ca.issue_cert(HOST, not_before=past - _DAY, not_after=past)
        self.expired = self._keep("expired", expired)
        self.client = self._keep("client", self._ca.issue_cert("client.example"))
        self.selfsigned = self._write("selfsigned.pem", _self_signed(HOST))
        self.foreign = self._write("foreign.pem", _self_signed("t\u00e9st, \u20ac\n"))
        self.malformed = self._write("malformed.pem", _without_end(_self_signed(HOST)))
        self.encrypted = self._encrypt(self._server)
        self.passwords = self._write("passwords", b"wrong\nsecret\n")
        self.crl = self._revoke("crl.pem")
        self.revoking = self._revoke(
            "revoking.pem", _loaded(self._server.cert_chain_pems[0].bytes())
        )

    def _write(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def _keep(self, name: str, leaf: trustme.LeafCert) -> Path:
        """Write certificates and key into one file; return it."""
        return self._write(f"{name}.pem", leaf.private_key_and_cert_chain_pem.bytes())

    def _encrypt(self, leaf: trustme.LeafCert) -> Path:
        key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
        encrypted = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
        return self._write("encrypted.pem", encrypted + leaf.cert_chain_pems[0].bytes())

    @property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        key = serialization.load_pem_private_key(
            self._ca.private_key_pem.bytes(), password=None
        )
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    @property
    def certificate(self) -> x509.Certificate:
        """The authority's certificate."""
        return _loaded(self._ca.cert_pem.bytes())

    def _revoke(self, name: str, *revoked: x509.Certificate) -> Path:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - _DAY)
            .next_update(now + _DAY)
        )
        for one in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(one.serial_number)
                .revocation_date(now - _DAY)
                .build()
            )
        crl = builder.sign(self._key, hashes.SHA256())
        return self._write(name, crl.public_bytes(serialization.Encoding.PEM))

    # OCSP -------------------------------------------------------------------

    def leaf(self, responder: str | None = RESPONDER) -> x509.Certificate:
        """Return a certificate that names an OCSP responder, or none."""
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
        builder = _builder(name, self.certificate.subject, key)
        if responder:
            where = x509.UniformResourceIdentifier(responder)
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where)
            builder = builder.add_extension(
                x509.AuthorityInformationAccess([access]), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())

    def status(
        self,
        leaf: x509.Certificate,
        status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
        age: datetime.timedelta = datetime.timedelta(0),
    ) -> bytes:
        """Return what a responder says of *leaf*, *age* ago, in DER."""
        then = datetime.datetime.now(datetime.UTC) - age
        revoked = status is ocsp.OCSPCertStatus.REVOKED
        response = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=leaf,
                issuer=self.certificate,
                algorithm=hashes.SHA1(),
                cert_status=status,
                this_update=then,
                next_update=then + _DAY,
                revocation_time=then if revoked else None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.NAME, self.certificate)
            .sign(self._key, hashes.SHA256())
        )
        return response.public_bytes(serialization.Encoding.DER)

    # Contexts ---------------------------------------------------------------

    def context(self, path: Path | None = None) -> ssl.SSLContext:
        """Return a server's context with the certificate in *path*, or ``server``."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path or self.server)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return the context of a client that trusts the authority."""
        return ssl.create_default_context(cafile=self.ca)


def _self_signed(common_name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = _builder(name, name, key.public_key()).sign(key, hashes.SHA256())
    return _pem(key) + _cert_pem(certificate)


def _without_end(pem: bytes) -> bytes:
    """Return key and certificate with the digits of its last day made letters."""
    key, mark, _ = pem.partition(b"-----BEGIN CERTIFICATE-----\n")
    certificate = _loaded(pem)
    end = certificate.not_valid_after_utc.strftime("%y%m%d%H%M%SZ").encode()
    der = certificate.public_bytes(serialization.Encoding.DER)
    broken = base64.encodebytes(der.replace(end, b"x" * 12 + b"Z"))
    return key + mark + broken + b"-----END CERTIFICATE-----\n"


def _builder(subject, issuer, key):
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        # No whole number of days: what is left of them must not change meanwhile.
        .not_valid_after(now + 1.5 * _DAY)
    )


def _loaded(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def _cert_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
