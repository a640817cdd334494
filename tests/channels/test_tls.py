"""With a real server and certificates made here: who is believed, and what PEM is refused."""

import os
import ssl
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from channels import tls
from tests.channels.certificates import Authority, greeted, key_pem, serving


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def smsc(authority):
    return authority.certificate("smsc.example", "127.0.0.1")


def test_a_channel_without_tls_has_no_context():
    assert tls.context(tls=False, ca="whatever", client_certificate="is", client_key="there") is None


def test_the_chain_and_the_name_are_always_checked_and_old_tls_is_not_spoken(authority):
    for context in (tls.context(tls=True), tls.context(tls=True, ca=authority.pem)):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_carrier_with_the_right_certificate_is_believed_and_asked_for_by_name(authority, smsc, tmp_path):
    context = tls.context(tls=True, ca=authority.pem)
    with serving(*smsc, tmp_path) as (port, asked):
        assert greeted(context, port, "smsc.example") == b"hello"
        assert greeted(context, port, "127.0.0.1") == b"hello"
    assert asked[0] == "smsc.example"


def test_a_carrier_of_another_name_is_not_believed(authority, smsc, tmp_path):
    with serving(*smsc, tmp_path) as (port, _), pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        greeted(tls.context(tls=True, ca=authority.pem), port, "other.example")


@pytest.mark.parametrize("ca", ["", "another's"])
def test_a_carrier_that_nobody_vouches_for_is_not_believed(smsc, tmp_path, ca):
    context = tls.context(tls=True, ca=Authority("Another CA").pem if ca else "")
    with serving(*smsc, tmp_path) as (port, _), pytest.raises(ssl.SSLCertVerificationError):
        greeted(context, port, "smsc.example")


def test_an_expired_certificate_is_not_believed(authority, tmp_path):
    expired = authority.certificate("smsc.example", days=-1)
    with serving(*expired, tmp_path) as (port, _), pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        greeted(tls.context(tls=True, ca=authority.pem), port, "smsc.example")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.MINIMUM:DeprecationWarning")
def test_a_carrier_that_speaks_only_old_tls_is_not_spoken_to(authority, smsc, tmp_path):
    with serving(*smsc, tmp_path, newest=ssl.TLSVersion.TLSv1_1) as (port, _), pytest.raises(OSError):
        greeted(tls.context(tls=True, ca=authority.pem), port, "smsc.example")


def test_one_of_several_authorities_is_enough_and_text_between_them_is_no_matter(authority, smsc, tmp_path):
    bundle = f"# Zertifikate für uns\r\n{Authority('One').pem}\n# und\n{authority.pem}"
    with serving(*smsc, tmp_path) as (port, _):
        assert greeted(tls.context(tls=True, ca=bundle), port, "smsc.example") == b"hello"


def test_a_client_shows_its_certificate_to_who_asks_for_it(authority, smsc, tmp_path):
    certificate, key = authority.certificate()
    with serving(*smsc, tmp_path, clients=authority.pem, newest=ssl.TLSVersion.TLSv1_2) as (port, _):
        ours = tls.context(tls=True, ca=authority.pem, client_certificate=certificate, client_key=key)
        assert greeted(ours, port, "smsc.example") == b"hello"
        with pytest.raises(OSError):
            greeted(tls.context(tls=True, ca=authority.pem), port, "smsc.example")


def test_a_key_is_never_in_a_file_in_clear_and_the_file_goes(authority, tmp_path, monkeypatch):
    written = []

    load = ssl.SSLContext.load_cert_chain

    def watched(self, path, *args, **kwargs):
        written.append((path, Path(path).read_text(), oct(os.stat(path).st_mode & 0o777)))
        load(self, path, *args, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    certificate, key = authority.certificate()
    tls.context(tls=True, client_certificate=certificate, client_key=key)
    ((path, text, mode),) = written
    assert "ENCRYPTED PRIVATE KEY" in text and key not in text
    assert mode == "0o600"
    assert not os.path.exists(path)


@pytest.mark.parametrize(
    ("ca", "message"),
    [
        ("nonsense", "not a certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", "not a certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n", "not a certificate in PEM"),
        ("a key", "There is “PRIVATE KEY” in it"),
    ],
)
def test_a_bundle_that_is_none_is_refused_and_never_connected_with(authority, ca, message):
    pem = authority.pem + authority.certificate()[1] if ca == "a key" else ca
    with pytest.raises(ValueError, match=message):
        tls.check_ca(pem)
    with pytest.raises(ValueError, match=message):
        tls.context(tls=True, ca=pem)


def test_a_client_certificate_and_its_key_come_together(authority):
    certificate, key = authority.certificate()
    locked = key_pem(ec.generate_private_key(ec.SECP256R1()), passphrase=b"open")
    wrong = [
        (certificate, "", "without its key"),
        ("", key, "without its certificate"),
        (certificate, authority.certificate()[1], "not that of the certificate"),
        (certificate, locked, "passphrase"),
        (certificate, "nonsense", "not a private key in PEM"),
        ("nonsense", key, "not a certificate in PEM"),
        (certificate + key, key, "There is “PRIVATE KEY” in it"),
        (authority.pem + certificate, key, "must be the client's own"),
    ]
    tls.check_client("", "")
    tls.check_client(certificate + authority.pem, key)
    for one, other, message in wrong:
        with pytest.raises(ValueError, match=message):
            tls.check_client(one, other)
        with pytest.raises(ValueError, match=message):
            tls.context(tls=True, client_certificate=one, client_key=other)
