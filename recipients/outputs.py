"""What answers of the API have in common that name recipients."""

from typing import Any

from rest_framework import serializers

from recipients.erased import NOBODY
from recipients.masking import shown

HELP = "E.164 with +; masked, as +3160•••0001, unless the key has the scope `numbers` and its role may see numbers."


class NumberField(serializers.CharField):
    """Of digits, or of E.164 with its plus. Whole where the context has `is_whole`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"help_text": HELP, **kwargs})

    def to_representation(self, value: Any) -> str:
        return shown(int(value or NOBODY), is_whole=self.context.get("is_whole", False))
