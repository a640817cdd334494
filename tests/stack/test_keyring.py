from stack.keyring import Keyring


def test_a_secret_stays_the_same_once_it_was_asked_for(tmp_path):
    path = tmp_path / "keys.json"
    first = Keyring(path)
    secrets = first["django"], first["flower"]
    assert len(set(secrets)) == 2
    assert (Keyring(path)["django"], Keyring(path)["flower"]) == secrets


def test_only_the_owner_can_read_it(tmp_path):
    path = tmp_path / "keys.json"
    assert Keyring(path)["django"]
    assert path.stat().st_mode & 0o777 == 0o600
