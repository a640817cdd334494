from stack.troubles import Troubles


def test_only_warnings_and_worse_are_told_each_once(tmp_path):
    log = tmp_path / "web.log"
    log.write_text("ERROR of yesterday\n")
    troubles = Troubles([log])
    with log.open("a") as file:
        file.write("INFO all is well\n2026 WARNING disk nearly full\nERROR half a li")
    assert list(troubles.new()) == ["web: 2026 WARNING disk nearly full"]
    with log.open("a") as file:
        file.write("ne\n")
    assert list(troubles.new()) == ["web: ERROR half a line"]
    assert list(troubles.new()) == []
