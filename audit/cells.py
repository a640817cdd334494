"""Cells of tables that somebody opens in a spreadsheet."""

# To a spreadsheet, a cell that begins with one of these is a formula; the last four are their wide forms.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def neutral(cell: str) -> str:
    """Text, whatever somebody wrote; blanks before it make it no less a formula."""
    return f"'{cell}" if cell.startswith(FORMULAS) or cell.lstrip().startswith(FORMULAS) else cell
