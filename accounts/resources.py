"""What is changed over the API, at one address each."""

from typing import Any

from rest_framework.views import APIView

from accounts.idempotency import idempotent


class Resource(APIView):
    """A view whose POST is done once for each `Idempotency-Key`, whatever it does."""

    post: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "post" in vars(cls):
            cls.post = idempotent(vars(cls)["post"])
