"""How a channel proves who it talks to, and who it is: an SSL context of PEM texts. Pure.

There is no way to verify less: the chain and the name are always checked, TLS 1.2 is the least, and a channel with TLS
never speaks in clear.
"""

import re
import secrets
import ssl
import tempfile

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.utils.translation import gettext as _

_ANOTHER_BLOCK = re.compile(r"-----BEGIN (?!CERTIFICATE-----)([A-Z0-9 ]+)-----")


def context(*, tls: bool, ca: str = "", client_certificate: str = "", client_key: str = "") -> ssl.SSLContext | None:
    """What to connect with; None only for a channel without TLS. An empty `ca` trusts what the system trusts.

    Whoever connects passes `server_hostname`, which is asked for (SNI) and must be in the certificate. Raises
    ValueError when a PEM text is not what it should be: then there is no connection at all.
    """
    if not tls:
        return None
    made = ssl.create_default_context(cadata=_plain(ca) if ca else None)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if client_certificate or client_key:
        _identify(made, client_certificate, client_key)
    return made


def check_ca(pem: str) -> None:
    """Raises ValueError, fit to show, unless it is empty or a bundle of certificates."""
    if pem:
        context(tls=True, ca=pem)


def check_client(certificate: str, key: str) -> None:
    """Raises ValueError, fit to show, unless both are empty, or are a certificate (with its chain) and its key."""
    if certificate or key:
        _pair(certificate, key)


def check_same_key(certificate: str, other: str) -> None:
    """Raises ValueError, fit to show, unless the first certificate of each has the same key."""
    if _public(_certificates(certificate)[0]) != _public(_certificates(other)[0]):
        raise ValueError(_not_its_key())


def _identify(made: ssl.SSLContext, certificate: str, key: str) -> None:
    private = _pair(certificate, key)
    # OpenSSL reads a key from a file only. In that file it is encrypted, and nobody but this call knows the password.
    password = secrets.token_bytes(32).hex().encode()
    locked = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(_plain(certificate).encode() + locked)
        file.flush()
        try:
            made.load_cert_chain(file.name, password=password)
        except ssl.SSLError as error:
            raise ValueError(
                _("OpenSSL does not take the client certificate: %(reason)s.") % {"reason": error.reason}
            ) from error


def _pair(certificate: str, key: str) -> PrivateKeyTypes:
    if not certificate:
        raise ValueError(_("A key without its certificate."))
    if not key:
        raise ValueError(_("A certificate without its key."))
    first = _certificates(certificate)[0]
    private = _key(key)
    if _public(private) != _public(first):
        raise ValueError(_not_its_key())
    return private


def _public(whose: PrivateKeyTypes | x509.Certificate) -> bytes:
    return whose.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _not_its_key() -> str:
    return _("The key is not that of the certificate; the first certificate must be the client's own.")


def _certificates(pem: str) -> list[x509.Certificate]:
    if another := _ANOTHER_BLOCK.search(pem):
        # A private key would be stored in clear here, and shown.
        raise ValueError(_("There is “%(what)s” in it: only certificates belong here.") % {"what": another[1]})
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise ValueError(_("This is not a certificate in PEM: -----BEGIN CERTIFICATE----- and so on.")) from error


def _plain(pem: str) -> str:
    """Only the certificates: bundles have comments between them, with letters that OpenSSL refuses."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in _certificates(pem))


def _key(pem: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem.encode(), password=None)
    except TypeError as error:
        raise ValueError(_("The key is locked with a passphrase: give it without, it is encrypted here.")) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(_("This is not a private key in PEM: -----BEGIN PRIVATE KEY----- and so on.")) from error
