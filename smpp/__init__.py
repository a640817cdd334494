"""SMPP 3.4 as a pure library: bytes in, values out; no Django, no sockets, no clock."""
