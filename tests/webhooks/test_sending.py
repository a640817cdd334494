"""What reaches a receiver, by which way, and what the worst of them can do to us."""

import socket
import time

import pytest

from tests.channels.certificates import Authority
from tests.webhooks.receiver import receiving
from webhooks import sending, signing, wall

URL = "https://hooks.example.com/in"


@pytest.fixture
def receiver(settings):
    settings.WEBHOOKS_TO_LOOPBACK = True
    with receiving() as receiver:
        yield receiver


def post(url, **given):
    return sending.post(url, b'{"a": 1}', {"webhook-id": "msg_1"}, **given)


def resolving(monkeypatch, *addresses):
    """A resolver that says another address each time it is asked."""
    real, left = socket.getaddrinfo, list(addresses)

    def getaddrinfo(host, *about, **more):
        if host != "hooks.example.com":
            return real(host, *about, **more)
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_the_receiver_gets_the_body_as_it_is_and_nothing_of_our_environment(receiver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    receiver.headers, receiver.body = {"Set-Cookie": "a=b"}, b"thanks"
    for _ in range(2):
        answer = post(receiver.url)
    assert (answer.is_delivered, answer.status, answer.beginning, answer.trouble) == (True, 204, "", "")
    path, headers, body = receiver.came[1]
    assert (path, body) == ("/hooks?from=us", b'{"a": 1}')
    assert headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-id"] == "msg_1"
    assert {"Cookie", "Authorization"}.isdisjoint(headers)


def test_a_redirect_is_an_answer_and_is_not_followed(receiver):
    receiver.status, receiver.headers = 302, {"Location": f"http://127.0.0.1:{receiver.port}/private"}
    answer = post(receiver.url)
    assert (answer.status, answer.is_delivered, len(receiver.came)) == (302, False, 1)


def test_of_an_answer_only_its_beginning_is_read_though_it_never_ends(receiver):
    def writes(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(b"x\0" * 5000)

    receiver.writes = writes
    answer = post(receiver.url)
    assert answer.is_delivered
    assert answer.beginning == "x\ufffd" * (sending.KEPT // 2)


@pytest.mark.parametrize(
    ("said", "within"), [(b"", 0.3), (b"HTTP/1.1 200 OK\r\n", 1.5), (b"HTTP/1.1 200 OK\r\n\r\n", 1.5)]
)
def test_a_receiver_that_dribbles_is_cut_at_the_end_of_the_time(receiver, said, within):
    def writes(handler):
        handler.wfile.write(said)
        for _ in range(400):
            time.sleep(0.05)
            handler.wfile.write(b"x")

    receiver.writes = writes
    answer = post(receiver.url, within=within)
    assert answer.seconds < 10  # half of what it takes for all that it says
    assert answer.is_delivered == bool(said)  # the status has been said, whatever else was missing
    assert answer.is_delivered or answer.trouble == "No answer in 0.3 seconds."


def test_nobody_there_and_no_http_are_troubles_in_a_sentence(receiver):
    assert post("http://127.0.0.1:1/").trouble.startswith("No answer: ")
    receiver.writes = lambda handler: handler.wfile.write(b"220 smtp.example.com ESMTP\r\n")
    answer = post(receiver.url)
    assert answer.status is None
    assert answer.trouble.startswith("No answer: ")
    receiver.writes = lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000)
    assert post(receiver.url).status is None


def test_a_name_that_says_a_private_address_at_the_second_question_is_not_asked_twice(monkeypatch):
    """What is connected to is what was looked at."""
    resolving(monkeypatch, "203.0.114.9", "127.0.0.1")
    connected = []

    def create_connection(address, **about):
        connected.append(address)
        raise ConnectionRefusedError("nobody")

    monkeypatch.setattr(socket, "create_connection", create_connection)
    assert post(URL).trouble == "No answer: nobody."
    assert connected == [("203.0.114.9", 443)]
    assert post(URL).trouble == "Refused: hooks.example.com is at 127.0.0.1, which is not a public address."
    assert len(connected) == 1


def test_what_the_wall_does_not_allow_any_more_is_not_sent(receiver, settings):
    settings.WEBHOOKS_TO_LOOPBACK = False
    answer = post(receiver.url)
    assert (answer.status, answer.trouble, receiver.came) == (None, "The address must begin with https://.", [])


@pytest.mark.parametrize(
    ("name", "trouble"), [("hooks.example.com", ""), ("other.example.com", "Its certificate is not good: ")]
)
def test_the_certificate_must_be_of_the_name_whatever_the_address(monkeypatch, tmp_path, name, trouble):
    authority = Authority()
    certificate, key = authority.certificate(name)
    (tmp_path / "cert.pem").write_text(certificate)
    (tmp_path / "key.pem").write_text(key)
    context = sending.ssl.create_default_context(cadata=authority.pem)
    monkeypatch.setattr(sending, "_context", lambda: context)
    resolving(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(wall, "is_public", lambda address: True)
    with receiving(certificate=(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))) as receiver:
        monkeypatch.setattr("django.conf.settings.WEBHOOK_PORTS", [receiver.port])
        answer = post(f"https://hooks.example.com:{receiver.port}/in")
    assert answer.trouble.startswith(trouble)
    assert len(receiver.came) == (not trouble)


def test_a_signature_is_that_of_the_specification():
    """The vector of the specification's own libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # pragma: allowlist secret
    signed = signing.sign(
        secret, webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_during_a_rotation_there_is_a_signature_for_either_secret():
    from standardwebhooks import Webhook, WebhookVerificationError

    new, old, other = (signing.new_secret() for _ in range(3))
    body = '{"a": "«ä»"}'.encode()
    headers = signing.headers([new, old], webhook_id="msg_1", timestamp=int(time.time()), body=body)
    assert Webhook(new).verify(body, headers) == Webhook(old).verify(body, headers) == {"a": "«ä»"}
    for wrong in (other, new):
        with pytest.raises(WebhookVerificationError):
            Webhook(wrong).verify(body + b" ", headers)
