"""Hands messages in, where a check needs mail in place and does not care how it came there."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from harness.clients.lmtp import LmtpClient
from harness.clients.smtp import SmtpClient
from harness.targets.connections import Connections
from harness.targets.file import Account, TargetFile
from harness.targets.findings import DeliveryRefused, Lacking
from harness.vocabulary.errors import MailproofError, TransportError
from harness.vocabulary.services import Service

SENDER = "harness@client.mailproof.test"
"""The reverse-path of what the harness hands in; the domain is reserved for tests (RFC 6761 §6.2)."""
_ORDER = (Service.SMTP, Service.LMTP, Service.SUBMISSION, Service.SUBMISSIONS)
_MOST_RECIPIENTS = 100  # RFC 5321 §4.5.3.1.8: so many every server takes


class Delivery:
    """Hands messages in over connections that are kept open, one per service."""

    def __init__(self, connections: Connections, file: TargetFile, lease: Callable[[], Account]) -> None:
        self._connections = connections
        self._file = file
        self._lease = lease
        self._kept: dict[Service, SmtpClient] = {}
        self._submitter: Account | None = None

    @property
    def ways(self) -> tuple[Service, ...]:
        """The services that take mail, the best first."""
        return tuple(service for service in _ORDER if self._file.endpoint(service) is not None)

    def hand_in(
        self,
        recipients: Sequence[str],
        message: bytes,
        *,
        sender: str | None = None,
        by: Service | None = None,
    ) -> None:
        """Hand a message in and demand acceptance for every recipient."""
        if by is None and not self.ways:
            raise Lacking(f"the target has none of {', '.join(_ORDER)}, to put mail in place")
        service = by or self.ways[0]
        for start in range(0, len(recipients), _MOST_RECIPIENTS):
            self._hand_in(service, recipients[start : start + _MOST_RECIPIENTS], message, sender)

    def _hand_in(
        self, service: Service, recipients: Sequence[str], message: bytes, sender: str | None
    ) -> None:
        kept = service in self._kept
        client = self._client(service)
        try:
            if kept and not client.noop().is_positive:
                raise TransportError(f"{client.peer} is tired of the connection")
        except TransportError:
            self._drop(service)
            client = self._client(service)
        refusal = self._transact_or_drop(service, client, recipients, message, sender)
        if refusal is not None and refusal.startswith("421") and kept:
            # So many messages in one connection, or so long a one, is not what the server likes.
            refusal = self._transact_or_drop(service, self._client(service), recipients, message, sender)
        if refusal is not None:
            raise DeliveryRefused(
                f"{service} accepts an ordinary message for {', '.join(recipients)}", refusal
            )

    def _transact_or_drop(
        self,
        service: Service,
        client: SmtpClient,
        recipients: Sequence[str],
        message: bytes,
        sender: str | None,
    ) -> str | None:
        """One mail transaction; a connection on which it fails is not used again."""
        try:
            refusal = self._transact(client, recipients, message, self._sender(service, sender))
        except BaseException:
            self._drop(service)
            raise
        if refusal is not None:
            self._drop(service)
        return refusal

    def _transact(
        self, client: SmtpClient, recipients: Sequence[str], message: bytes, sender: str
    ) -> str | None:
        """One mail transaction; the first refusal in words, or None."""
        if isinstance(client, LmtpClient):
            refused = client.deliver(sender=sender, to=recipients, message=message).first_refusal
            return None if refused is None else refused.octets.decode(errors="replace").strip()
        parameters = ["BODY=8BITMIME"] if not message.isascii() and "8BITMIME" in client.keywords else []
        reply = client.submit(sender=sender, to=recipients, message=message, parameters=parameters)
        return None if reply.code // 100 == 2 else reply.octets.decode(errors="replace").strip()

    def _sender(self, service: Service, sender: str | None) -> str:
        if sender is not None:
            return sender
        if service in {Service.SUBMISSION, Service.SUBMISSIONS}:
            return self._account().address
        return SENDER

    def _account(self) -> Account:
        if self._submitter is None:
            self._submitter = self._lease()
        return self._submitter

    def _client(self, service: Service) -> SmtpClient:
        if service not in self._kept:
            match service:
                case Service.LMTP:
                    self._kept[service] = self._connections.lmtp(provisioning=True)
                case Service.SMTP:
                    self._kept[service] = self._connections.smtp(provisioning=True)
                case _:
                    self._kept[service] = self._connections.submission(
                        self._account(), service=service, provisioning=True
                    )
        return self._kept[service]

    def _drop(self, service: Service) -> None:
        client = self._kept.pop(service, None)
        if client is not None:
            client.close()

    def release_one(self) -> bool:
        """Close one kept connection; False if there is none."""
        if not self._kept:
            return False
        self._drop(next(iter(self._kept)))
        return True

    def close(self) -> None:
        """Say goodbye on all kept connections."""
        while self._kept:
            _, client = self._kept.popitem()
            with suppress(MailproofError), client:
                pass
