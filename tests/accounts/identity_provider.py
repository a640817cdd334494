"""A small OpenID Connect provider that listens: discovery, keys, tokens for codes with PKCE, and userinfo."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "message-center", "of the client"
SUBJECT = "person-1"


class Provider:
    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.signs_with, self.algorithm = self.key, "RS256"
        self.codes, self.userinfo, self.is_broken = {}, None, False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.issuer = self.says_it_is = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answered(self, location, **claims):
        """Somebody has signed in there: where their browser goes then. A claim that is None is left out."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert location.startswith(f"{self.issuer}/authorize?")
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
        now = int(time.time())
        said = {"iss": self.issuer, "sub": SUBJECT, "aud": CLIENT, "iat": now, "exp": now + 300}
        said |= {"nonce": asked["nonce"], **claims}
        code = secrets.token_urlsafe()
        self.codes[code] = (asked, {name: value for name, value in said.items() if value is not None})
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': asked['state']})}"

    def said(self, path, form):
        """The answer, or None."""
        if self.is_broken:
            return None
        if path == "/.well-known/openid-configuration":
            places = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
            ends = {f"{name}_endpoint": f"{self.issuer}/{place}" for name, place in places.items()}
            return {"issuer": self.says_it_is, "jwks_uri": f"{self.issuer}/jwks", **ends}
        if path == "/jwks":
            shown = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return {"keys": [{**shown, "kid": "one", "use": "sig", "alg": "RS256"}]}
        if path == "/userinfo":
            return self.userinfo
        return self._token(form) if path == "/token" else None

    def _token(self, form):
        asked, claims = self.codes.pop(form.get("code", ""), (None, None))
        if asked is None or (form["client_id"], form["client_secret"]) != (CLIENT, SECRET):
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return None
        token = jwt.encode(claims, self.signs_with, algorithm=self.algorithm, headers={"kid": "one"})
        return {"access_token": "of userinfo", "token_type": "Bearer", "id_token": token}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def _handler_of(provider):
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self, form=None):
            said = provider.said(urlsplit(self.path).path, form or {})
            body = json.dumps(said or {"error": "invalid_request"}).encode()
            self.send_response(200 if said is not None else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.do_GET({name: values[0] for name, values in parse_qs(text).items()})

        def log_message(self, *args):
            pass

    return Answering
