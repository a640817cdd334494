"""A printed document of this house: A4, fonts that are in it, equal contents are equal bytes. Knows no campaign."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from django.conf import settings
from fpdf import FPDF, FontFace, XPos, YPos
from fpdf.enums import TableBordersLayout
from fpdf.fonts import TTFFont

FONTS = settings.ROOT / "static" / "vendor" / "dejavu-fonts-2.37"
TEXT, CODE = "text", "code"
MARGIN, LABEL = 22, 44  # millimetres
INK, QUIET, ACCENT, RULE, SHADE = (26, 36, 51), (96, 108, 124), (18, 53, 91), (198, 206, 216), (244, 246, 249)


class Cell(NamedTuple):
    """`is_code` is for what is compared letter by letter."""

    text: str
    is_code: bool = False


class Paper(FPDF):
    """Sections follow each other down the page; the foot says on each page what it is of."""

    def __init__(self, *, title: str, about: str, foot: str, language: str, made_at: datetime) -> None:
        super().__init__(format="A4")
        self.foot, self._sections = foot, 0
        for family, style, name in (
            *((TEXT, "", "DejaVuSansCondensed"), (TEXT, "B", "DejaVuSansCondensed-Bold")),
            *((CODE, "", "DejaVuSansMono"),),
        ):
            self.add_font(family, style, FONTS / f"{name}.ttf")
        self.set_creation_date(made_at)
        self.set_lang(language)
        self.set_title(f"{title}: {about}")
        self.set_margins(MARGIN, 20, MARGIN)
        self.set_auto_page_break(True, margin=24)
        self.add_page()
        self._head(title, about)

    def footer(self) -> None:
        self.set_y(-16)
        self.set_draw_color(*RULE)
        self.line(MARGIN, self.get_y(), self.w - MARGIN, self.get_y())
        self._ink(TEXT, 7.5, QUIET)
        self.set_y(-14)
        self.cell(self.epw - 20, 5, self.shown(self.foot))
        self.cell(20, 5, f"{self.page_no()} / {{nb}}", align="R")

    def section(self, title: str) -> None:
        self._sections += 1
        if self.will_page_break(28):
            self.add_page()
        self.ln(5)
        self._ink(TEXT, 12.5, ACCENT, bold=True)
        self._line(f"{self._sections}.  {title}", 7)
        self.set_draw_color(*RULE)
        self.line(MARGIN, self.get_y(), self.w - MARGIN, self.get_y())
        self.ln(2.5)

    def say(self, text: str, *, quiet: bool = False) -> None:
        self._ink(TEXT, 9.5, QUIET if quiet else INK)
        self._line(text, 5)
        self.ln(1.5)

    def facts(self, pairs: Iterable[tuple[str, str | Cell]]) -> None:
        """Label and value, side by side; a pair without a value is left out."""
        for label, value in pairs:
            cell = value if isinstance(value, Cell) else Cell(value)
            if cell.text:
                self._fact(label, cell)
        self.ln(1)

    def quote(self, text: str, *, above: str = "") -> None:
        """Somebody else's words, letter by letter, in a frame."""
        self._ink(TEXT, 8, QUIET)
        if above:
            self._line(above, 4.5)
        self._ink(TEXT, 10.5, INK)
        self.set_fill_color(*SHADE)
        self.set_draw_color(*ACCENT)
        with self.local_context(line_width=0.2):
            self.multi_cell(0, 6, self.shown(text), fill=True, border="L", padding=(1, 4), align="L", **_NEXT)
        self.ln(2)

    def code(self, lines: Sequence[str]) -> None:
        self._ink(CODE, 7.5, INK)
        self.set_fill_color(*SHADE)
        self.multi_cell(0, 4.4, "\n".join(lines), fill=True, padding=(1, 3), align="L", **_NEXT)
        self.ln(2)

    def rows(
        self, headings: Sequence[str], rows: Iterable[Sequence[str]], *, widths: Sequence[int], align: Any
    ) -> None:
        self._ink(TEXT, 8.5, INK)
        self.set_draw_color(*RULE)
        self.set_fill_color(255)
        style = FontFace(emphasis="BOLD", color=QUIET, fill_color=SHADE, size_pt=8)
        with self.table(
            col_widths=tuple(widths),
            text_align=align,
            line_height=4.6,
            padding=(0.9, 1.2),
            headings_style=style,
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        ) as table:
            for row in (headings, *rows):
                table.row([self.shown(cell) for cell in row])
        self.ln(2)

    def bytes(self) -> bytes:
        return bytes(self.output())

    def shown(self, text: str) -> str:
        """A character that the font has not is named by its code point."""
        known = cast(TTFFont, self.fonts[TEXT]).cmap
        return "".join(
            letter if letter == "\n" or ord(letter) in known else f"⟨U+{ord(letter):04X}⟩" for letter in text
        )

    def _head(self, title: str, about: str) -> None:
        self.set_fill_color(*ACCENT)
        self.rect(0, 0, self.w, 4, style="F")
        self._ink(TEXT, 9, QUIET)
        self._line("MESSAGE CENTER", 5)
        self.ln(5)
        self._ink(TEXT, 22, ACCENT, bold=True)
        self._line(title, 10)
        self._ink(TEXT, 13, INK)
        self._line(about, 7)
        self.ln(3)

    def _fact(self, label: str, cell: Cell) -> None:
        if self.will_page_break(9):
            self.add_page()
        top = self.get_y()
        self._ink(TEXT, 8.5, QUIET)
        self.multi_cell(LABEL, 5, label, align="L", **_NEXT)
        bottom, page = self.get_y(), self.page
        self.set_xy(MARGIN + LABEL, top)
        self._ink(CODE if cell.is_code else TEXT, 7.5 if cell.is_code else 9.5, INK)
        self.multi_cell(self.epw - LABEL, 5, self.shown(cell.text), align="L", **_NEXT)
        self.set_y(max(bottom, self.get_y()) if page == self.page else self.get_y())

    def _line(self, text: str, height: float) -> None:
        self.multi_cell(0, height, self.shown(text), align="L", **_NEXT)

    def _ink(self, family: str, size: float, color: tuple[int, int, int], *, bold: bool = False) -> None:
        self.set_font(family, "B" if bold else "", size)
        self.set_text_color(*color)


_NEXT: Any = {"new_x": XPos.LMARGIN, "new_y": YPos.NEXT}
