"""A security key in software: what a browser answers for it (WebAuthn Level 2 §6, §7; attestation "none")."""

import json
import os
import struct
from dataclasses import dataclass, field
from hashlib import sha256

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url as b64

USER_PRESENT, ATTESTED = 0x01, 0x40


@dataclass
class SoftKey:
    origin: str
    id: bytes = field(default_factory=lambda: os.urandom(32))
    count: int = 0
    _private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def made(self, asked: str) -> str:
        """The answer to navigator.credentials.create."""
        options = json.loads(asked)
        public = self._private.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32), -3: public.y.to_bytes(32)})
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cose
        data = self._data(options["rp"]["id"], USER_PRESENT | ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        return self._credential(clientDataJSON=b64(client), attestationObject=b64(attestation))

    def used(self, asked: str) -> str:
        """The answer to navigator.credentials.get."""
        options = json.loads(asked)
        self.count += 1
        data, client = self._data(options["rpId"], USER_PRESENT), self._client("webauthn.get", options["challenge"])
        signature = self._private.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(clientDataJSON=b64(client), authenticatorData=b64(data), signature=b64(signature))

    def _data(self, host: str, flags: int) -> bytes:
        return sha256(host.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, **response: str) -> str:
        return json.dumps({"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response})
