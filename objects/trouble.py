"""The one exception for a store that does not do what it is asked."""


class StorageTrouble(OSError):
    """One sentence for operators: it names the store and never a secret. What failed may work in a while."""


class ObjectMissing(StorageTrouble, FileNotFoundError):
    """The store answers, and has no such object: waiting does not help."""
