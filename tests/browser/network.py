"""How fast the way from a page to us is."""

from playwright.sync_api import Page


class Network:
    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Network.enable")

    def limit(self, upload: float) -> None:
        limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload}
        self._session.send("Network.emulateNetworkConditions", limits)

    def free(self) -> None:
        self.limit(-1)
