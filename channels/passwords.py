"""Secrets of channels at rest, under CHANNEL_KEY and those before it (`audit.boxes`)."""

from audit.boxes import Box

BOX = Box("CHANNEL_KEY")
encrypt, decrypt, is_current = BOX.seal, BOX.opened, BOX.is_current
