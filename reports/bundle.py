"""A signed bundle: JSON files, a manifest of their digests, and an Ed25519 signature of the manifest. Pure: whoever
checks one needs no database, no settings and nothing of ours but this module and the seal.

`manifest.json` has the digest of each member, the public key and its name; `manifest.sig` is the signature of its
bytes. `python -m reports.bundle FILE KEY` checks one where nothing is installed but `cryptography`.
"""

import base64
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from campaigns import seal

FORMAT = "message-center evidence 2"
INQUIRY_FORMAT = "message-center inquiry 1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
CAMPAIGN, CHAIN, LIST, PAPER = "campaign.json", "chain.json", "list.json", "evidence.pdf"
INQUIRY = "inquiry.json"
DECISIONS = ("campaign.voted", "campaign.approved", "campaign.rejected")
MOST_BYTES = 256 * 2**20  # of a member: whoever checks a file does not trust it yet
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # equal contents are equal bytes


class Unreadable(Exception):
    """It is no bundle at all."""


def private_key(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"evidence:" + secret.encode()).digest())


def public_text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def public_pem(public: str) -> str:
    """As openssl reads it."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(public: str) -> str:
    """Raises ValueError for what is no key."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def pack(members: Mapping[str, Any], *, key: Ed25519PrivateKey, format: str = FORMAT) -> bytes:
    files = {name: value if isinstance(value, bytes) else _json(value) for name, value in members.items()}
    public = public_text(key)
    manifest = _json(
        {
            "format": format,
            "key": {"algorithm": "Ed25519", "id": key_id(public), "public": public},
            "members": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        }
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in {**files, MANIFEST: manifest, SIGNATURE: key.sign(manifest)}.items():
            packed.writestr(zipfile.ZipInfo(name, _LONG_AGO), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            names = packed.namelist()
            if len(names) != len(set(names)):
                raise Unreadable("It has two members of one name.")
            if any(member.file_size > MOST_BYTES for member in packed.infolist()):
                raise Unreadable("It has a member that is too large.")
            return {name: packed.read(name) for name in names}
    # A damaged archive fails in as many ways as there are fields in one.
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ) as trouble:
        raise Unreadable(f"It is no whole zip archive: {trouble}") from trouble


def faults(data: bytes, *, public: str | None = None) -> list[str]:
    """What is wrong with a bundle, in words; nothing when it holds. Raises Unreadable.

    Without `public`, the key in the bundle is believed: it then says who signed to nobody, only that it was one hand.
    """
    files = unpack(data)
    found = _signature_faults(files, public)
    try:
        if INQUIRY in files:
            return found + _inquiry_faults(json.loads(files[INQUIRY]))
        campaign, chain = (json.loads(files[name]) for name in (CAMPAIGN, CHAIN))
        found += _seal_faults(campaign) + _file_faults(campaign, files)
        return found + _totals_faults(campaign) + _chain_faults(campaign, chain)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as trouble:
        return [*found, f"Its contents are not of the form of a bundle: {type(trouble).__name__} {trouble}."]


def _signature_faults(files: Mapping[str, bytes], public: str | None) -> list[str]:
    if MANIFEST not in files or SIGNATURE not in files:
        return ["It is not signed: the manifest or its signature is missing."]
    found = []
    try:
        manifest = json.loads(files[MANIFEST])
        theirs, members = manifest["key"]["public"], dict(manifest["members"])
        if manifest["format"] != (wanted := INQUIRY_FORMAT if INQUIRY in files else FORMAT):
            found.append(f"Its format is {manifest['format']}, not {wanted}.")
        if manifest["key"]["id"] != key_id(theirs):
            found.append("The name of the key is not that of the key.")
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public or theirs)).verify(files[SIGNATURE], files[MANIFEST])
    except InvalidSignature:
        found.append("The signature is not that of the manifest by this key.")
    except (KeyError, TypeError, ValueError) as trouble:
        return [*found, f"The manifest cannot be read: {trouble}."]
    named = set(files) - {MANIFEST, SIGNATURE}
    found += [f"{name} is missing." for name in sorted(set(members) - named)]
    found += [f"{name} is not in the manifest." for name in sorted(named - set(members))]
    found += [
        f"{name} was changed."
        for name in sorted(named & set(members))
        if hashlib.sha256(files[name]).hexdigest() != members[name]
    ]
    return found


def _seal_faults(campaign: Mapping[str, Any]) -> list[str]:
    """The seal is recomputed from the content, and the content is what the rest of the bundle tells."""
    sealed, content = campaign["seal"], campaign["content"]
    found = []
    if sealed and seal.digest(content) != sealed:
        found.append("The seal is not that of the content.")
    revision = campaign["sender"]["revision"]
    told = (campaign["id"], campaign["workspace"]["id"], *_named(campaign["list"]), revision["number"])
    held = (content["campaign"], content["workspace"], *_named(content["list"]), content["sender"]["revision"])
    if told != held or campaign["text"] != content["text"] or revision["saddr"] != content["sender"]["saddr"]:
        found.append("What is told of the campaign, its list or its sender is not what the seal covers.")
    return found


def _named(listed: Mapping[str, Any] | None) -> tuple[Any, Any]:
    """Of a trigger, which has no list, nothing."""
    return (listed["digest"], listed["accepted"]) if listed else (None, None)


def _file_faults(campaign: Mapping[str, Any], files: Mapping[str, bytes]) -> list[str]:
    """The list's digest is that of its manifest, and the sender's document is the one that is told of."""
    found = []
    if campaign["list"] and (LIST in files or campaign["list"].get("replaced")):
        found += _list_faults(campaign["list"], files[LIST])
    document = campaign["sender"]["revision"]["document"]
    if document and document["member"]:
        data = files.get(document["member"])
        if data is None or hashlib.sha256(data).hexdigest() != document["sha256"]:
            found.append("The sender's document is not the one that is told of.")
    return found


def _list_faults(listed: Mapping[str, Any], manifest: bytes) -> list[str]:
    """The manifest is the list's, and from its chunks those lead that took their place when somebody was erased."""
    if hashlib.sha256(manifest).hexdigest() != listed["digest"]:
        return ["The list's manifest is not the one that its digest names."]
    now = {chunk["number"]: chunk["sha256"] for chunk in json.loads(manifest)["chunks"]}
    replaced = listed.get("replaced", [])
    for one in replaced:
        if now.get(one["chunk"]) != one["was"]:
            return [f"What took the place of chunk {one['chunk']} does not follow what was there."]
        now[one["chunk"]] = one["is"]
    if listed.get("erased", 0) != sum(one["recipients"] for one in replaced):
        return ["The number of the erased is not that of their chunks."]
    return []


def _totals_faults(campaign: Mapping[str, Any]) -> list[str]:
    n, pushed = campaign["totals"], campaign.get("pushed")
    if pushed and not pushed["messages"] == sum(one["messages"] for one in pushed["by_day_and_key"]) == n["rows"]:
        return ["The messages that were pushed are not those of the totals."]
    balanced = n["rows"] == n["invalid"] + n["duplicate"] + n["suppressed"] + n["accepted"] and n["accepted"] == sum(
        n[term]
        for term in (
            *("delivered", "failed", "pending", "no_receipt", "uncertain"),
            *("expired", "cancelled", "waiting"),
        )
    )
    return [] if balanced else ["The totals do not balance."]


def _chain_faults(campaign: Mapping[str, Any], chain: Mapping[str, Any]) -> list[str]:
    """Each link's hash is computed from the hash before it and the digest of what the entry says, whose words are here
    for the entries about the campaign only."""
    links, before = chain["links"], chain["before"]
    for number, link in enumerate(links):
        where = f"Entry {link['seq']} of the ledger"
        if number and link["seq"] != links[number - 1]["seq"] + 1:
            return [f"{where} does not follow the one before it."]
        if trouble := _link_trouble(campaign, link, before):
            return [f"{where} {trouble}"]
        before = link["hash"]
    found = []
    told = [link for link in links if "entry" in link]
    if campaign["timeline"] != [link["seq"] for link in told]:
        found.append("The timeline is not the ledger's entries about this campaign.")
    if not links:
        return [*found, "There is no entry of the ledger."]
    if chain["head"] != {"seq": links[-1]["seq"], "hash": links[-1]["hash"]}:
        found.append("The head is not the last of the ledger's entries.")
    if campaign["seal"] and campaign["seal"] not in {link["entry"]["after"].get("seal") for link in told}:
        found.append("No approval in the ledger has this seal.")
    if campaign["decisions"] != decisions(link["entry"] for link in told):
        found.append("The decisions are not those of the ledger.")
    if chain["witness"] and chain["witness"] != chain["head"]:
        found.append("The head is not the one whose hash was kept.")
    return found


def _link_trouble(campaign: Mapping[str, Any], link: Mapping[str, Any], before: str) -> str:
    entry = link.get("entry")
    if entry is None:
        # Of an entry of version 1 that is about something else there is nothing to compute from: see `notes`.
        digest = link.get("digest")
        return "does not follow the one before it." if digest and _linked(before, digest) != link["hash"] else ""
    said = seal.digest(entry)
    if entry["seq"] != link["seq"] or (said if entry["v"] == 1 else _linked(before, said)) != link["hash"]:
        return "was changed, or does not follow the one before it."
    if entry["v"] == 1 and entry["previous"] != before:
        return "does not follow the one before it."
    if entry["chain"] != campaign["workspace"]["id"]:
        return "is of another chain."
    return "" if entry["subject"][:2] == ["campaign", str(campaign["id"])] else "is about something else."


def _linked(before: str, digest: str) -> str:
    return hashlib.sha256(f"{before}:{digest}".encode()).hexdigest()


def decisions(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the ledger's entries about a campaign say was decided on it."""
    return [
        {"seq": entry["seq"], "at": entry["at"], "verdict": entry["action"], "by": entry["actor_name"]}
        | {"role": entry["role"], "why": entry["note"], "seal": entry["after"].get("seal")}
        for entry in entries
        if entry["action"] in DECISIONS
    ]


def notes(data: bytes) -> list[str]:
    """What a bundle does not prove, in words; only to be asked of one without faults."""
    files = unpack(data)
    if INQUIRY in files:
        return []
    campaign, chain = (json.loads(files[name]) for name in (CAMPAIGN, CHAIN))
    document = campaign["sender"]["revision"]["document"]
    said = [document["note"]] if document and document.get("note") else []
    if not chain["witness"]:
        said.append("The object storage has kept no hash of the ledger behind the campaign's last entry.")
    if unshown := sum("entry" not in link and "digest" not in link for link in chain["links"]):
        said.append(f"{unshown} entries about other matters are of the ledger's first version: their place is told.")
    return said


def _inquiry_faults(answer: Mapping[str, Any]) -> list[str]:
    """Each message's text is what its seal covers, and was approved by an entry of the ledger with that seal."""
    found = []
    for message in answer["messages"]:
        content, approvals = message["content"], message["approvals"]
        where = f"Campaign {message['campaign']['id']}"
        told = (message["campaign"]["id"], answer["workspace"]["id"], message["text"], _digest(message["list"]))
        held = (content["campaign"], content["workspace"], content["text"], _digest(content["list"]))
        if message["seal"] != seal.digest(content):
            found.append(f"{where}: the seal is not that of the content.")
        if told != held or message["sender"]["saddr"] != content["sender"]["saddr"]:
            found.append(f"{where}: what is told of it is not what the seal covers.")
        ours = ["campaign", str(message["campaign"]["id"])]
        if not all(_is_whole(one) and one["entry"]["subject"][:2] == ours for one in approvals):
            found.append(f"{where}: an entry of the ledger was changed.")
        seals = {one["entry"]["after"].get("seal") for one in approvals}
        if not message["is_test"] and message["seal"] not in seals:
            found.append(f"{where}: no approval in the ledger has this seal.")
        if content["list"] is None and not message.get("pushed"):
            found.append(f"{where}: nothing says who pushed the message.")
    found += [
        f"List {one['id']}: the line of the file is not one on which this recipient can stand."
        for one in answer["lists"]
        if one.get("line") is not None and one["line"] < one["place"]
    ]
    return found


def _digest(listed: Mapping[str, Any] | None) -> str | None:
    return listed["digest"] if listed else None


def _is_whole(link: Mapping[str, Any]) -> bool:
    said = seal.digest(link["entry"])
    return bool(link["hash"] == (said if link["entry"]["v"] == 1 else _linked(link["previous"], said)))


def signer(data: bytes) -> str:
    """The name of the key that it says it was signed with; empty where it says none. Raises Unreadable."""
    try:
        return str(json.loads(unpack(data)[MANIFEST])["key"]["id"])
    except (KeyError, TypeError, ValueError):
        return ""


def member(data: bytes, name: str) -> Any:
    """One of ours, read back."""
    return json.loads(unpack(data)[name])


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1).encode()


def main(arguments: list[str]) -> int:
    """0 when it holds, 1 when it does not, 2 when it cannot be checked."""
    if len(arguments) != 2:
        print("Usage: python -m reports.bundle FILE KEY", file=sys.stderr)
        return 2
    try:
        found = faults(Path(arguments[0]).read_bytes(), public=arguments[1])
    except (OSError, Unreadable) as trouble:
        found, code = [str(trouble)], 2
    else:
        code = 1 if found else 0
    said = found or ["The evidence holds.", *notes(Path(arguments[0]).read_bytes())]
    print("\n".join(said), file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
