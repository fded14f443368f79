"""What the target's services announce, asked once."""

from collections.abc import Mapping
from types import MappingProxyType

from harness.targets.accounts import AccountPool
from harness.targets.connections import Connections
from harness.vocabulary.services import Service, Tls


class Capabilities:
    """The announcements of a target by service: EHLO keywords, CAPA tags, IMAP capabilities."""

    def __init__(self, connections: Connections, accounts: AccountPool) -> None:
        self._connections = connections
        self._accounts = accounts
        self._known: dict[tuple[Service, bool], Mapping[str, str]] = {}

    def of(self, service: Service, *, authenticated: bool = False) -> Mapping[str, str]:
        """What the service announces, with parameters, before or after login.

        On the submission ports what is announced under TLS counts too, as AUTH often is only there.
        """
        key = (service, authenticated)
        if key not in self._known:
            self._known[key] = MappingProxyType(self._ask(service, authenticated=authenticated))
        return self._known[key]

    def _ask(self, service: Service, *, authenticated: bool) -> dict[str, str]:
        match service:
            case Service.LMTP:
                with self._connections.lmtp(provisioning=True) as lmtp:
                    return dict(lmtp.keywords)
            case Service.SMTP | Service.SUBMISSION | Service.SUBMISSIONS:
                return self._ask_smtp(service)
            case Service.POP3 | Service.POP3S:
                return self._ask_pop3(service, authenticated=authenticated)
            case Service.IMAP | Service.IMAPS:
                return self._ask_imap(service, authenticated=authenticated)

    def _ask_smtp(self, service: Service) -> dict[str, str]:
        with self._connections.smtp(service, provisioning=True) as client:
            keywords = dict(client.keywords)
        upgrades = self._connections.endpoint(service).tls is Tls.STARTTLS and "STARTTLS" in keywords
        if service is Service.SUBMISSION and upgrades:
            with self._connections.smtp(service, tls=True, provisioning=True) as client:
                keywords |= client.keywords
        return keywords

    def _ask_pop3(self, service: Service, *, authenticated: bool) -> dict[str, str]:
        if not authenticated:
            with self._connections.pop3(login=False, service=service, provisioning=True) as client:
                client.capa()
                return dict(client.capabilities)
        with (
            self._accounts.lease() as account,
            self._connections.pop3(account, service=service, provisioning=True) as client,
        ):
            client.capa()
            return dict(client.capabilities)

    def _ask_imap(self, service: Service, *, authenticated: bool) -> dict[str, str]:
        if not authenticated:
            with self._connections.imap(login=False, service=service, provisioning=True) as client:
                return dict.fromkeys(client.capabilities, "")
        with (
            self._accounts.lease() as account,
            self._connections.imap(account, service=service, provisioning=True) as client,
        ):
            return dict.fromkeys(client.capabilities, "")
