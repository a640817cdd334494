"""Characters that make a whole text UCS-2, and what the GSM alphabet has instead. Pure."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from campaigns.gsm import SEPTETS
from campaigns.placeholders import TOKEN

EVERY = "every"  # whatever has an equivalent

EQUIVALENTS: dict[str, str] = {
    **dict.fromkeys("“”„‟«»″〝〞＂", '"'),
    **dict.fromkeys("‘’‚‛‹›′`´ʹʻʼʽˈ＇", "'"),
    **dict.fromkeys("‐‑‒–—―−⁃﹣－", "-"),
    **dict.fromkeys(
        "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t", " "
    ),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
    **dict.fromkeys("\u2028\u2029\x85", "\n"),
    **dict.fromkeys("•·∙‧", "*"),
    **{"…": "...", "№": "No", "×": "x", "÷": "/", "©": "(c)", "®": "(R)", "™": "TM", "ç": "c"},
    **{"½": "1/2", "¼": "1/4", "¾": "3/4", "≤": "<=", "≥": ">=", "≠": "!=", "→": "->", "←": "<-"},
}
NAMES_OF_INVISIBLE = {
    **{"\u00a0": "NBSP", "\t": "TAB", "\u00ad": "SHY", "\u200b": "ZWSP", "\u200d": "ZWJ", "\u202f": "NNBSP"},
    **{"\u2009": "THSP", "\u2060": "WJ", "\ufeff": "BOM", "\u200c": "ZWNJ", "\u2028": "LS", "\u2029": "PS"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A character that is not in the GSM alphabet; `instead` is None where nothing stands for it."""

    character: str
    count: int
    instead: str | None

    @property
    def shown(self) -> str:
        is_visible = self.character.isprintable() and not self.character.isspace()
        return self.character if is_visible else NAMES_OF_INVISIBLE.get(self.character, self.code)

    @property
    def code(self) -> str:
        return f"U+{ord(self.character):04X}"


def foreign_in(text: str) -> list[Foreign]:
    """In the order of their first appearance."""
    counted = Counter(character for character in text if character not in SEPTETS)
    return [Foreign(character=one, count=n, instead=EQUIVALENTS.get(one)) for one, n in counted.items()]


def replaced(text: str, characters: Collection[str]) -> str:
    """With their equivalents, but for the names of columns: they are what the list calls them."""
    table = str.maketrans({one: EQUIVALENTS[one] for one in characters if one in EQUIVALENTS})
    said, end = "", 0
    for token in TOKEN.finditer(text):
        name, bar, default = token[0].partition("|")
        said += text[end : token.start()].translate(table) + name + bar + default.translate(table)
        end = token.end()
    return said + text[end:].translate(table)


def wanted(text: str, asked: str) -> list[str]:
    """What a button means: a code such as U+2019, or every one that has an equivalent."""
    return [one.character for one in foreign_in(text) if one.instead is not None and asked in (EVERY, one.code)]
