"""Looking at the queue and laying hands on it: `mailproof queue`, in the server or where none is running.

The handlers take and return what JSON can write; each change is on disk before it is answered.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from harness.vocabulary.errors import MailproofError
from reference_server.mda.fields import header_of
from reference_server.relay.queue import Drop, Hasten, Queue, QueuedMail, QueuedRecipient, octets_of
from reference_server.store.change import Change

Commit = Callable[[Change[Any]], Awaitable[Any]]
Ask = Callable[[Any], Awaitable[Any]]
"""Runs a read on the database."""
Handler = Callable[[dict[str, Any]], Awaitable[Any]]


class QueueError(MailproofError):
    """What was asked for is not there, or was asked for in a way that cannot be understood."""


class Administration:
    """What can be asked of a queue."""

    def __init__(self, queue: Queue, commit: Commit, ask: Ask) -> None:
        self._queue = queue
        self._commit = commit
        self._ask = ask

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers, by command."""
        return {
            "queue list": self.list_mails,
            "queue show": self.show,
            "queue retry": self.retry,
            "queue drop": self.drop,
        }

    async def list_mails(self, request: dict[str, Any]) -> Any:
        """Return the messages, the oldest first; with `destination` those that wait for that domain."""
        destination = str(request.get("destination") or "").lower()
        return [
            self._described(mail)
            for mail in self._queue.mails()
            if not destination or any(one.destination == destination for one in mail.recipients.values())
        ]

    async def show(self, request: dict[str, Any]) -> Any:
        """Return one message, with its header."""
        mail = self._mail(request.get("mail"))
        octets = await self._ask(octets_of(mail.mail_id))
        if octets is None:
            raise QueueError(f"mail {mail.mail_id} has just left the queue")
        return self._described(mail) | {
            "body": mail.terms.body,
            "smtputf8": mail.terms.smtputf8,
            "ret": mail.terms.ret,
            "envid": mail.terms.envid,
            "header": header_of(octets).decode("utf-8", "replace"),
        }

    async def retry(self, request: dict[str, Any]) -> Any:
        """Make messages due at once; the numbers of recipients who were."""
        return [await self._change(mail, numbers, Hasten) for mail, numbers in self._chosen(request)]

    async def drop(self, request: dict[str, Any]) -> Any:
        """Take messages out of the queue; nobody is told."""
        return [await self._change(mail, numbers, Drop) for mail, numbers in self._chosen(request)]

    async def _change(
        self, mail: QueuedMail, numbers: tuple[int, ...], kind: type[Drop] | type[Hasten]
    ) -> dict[str, Any]:
        addresses = [str(mail.recipients[number].mailbox) for number in numbers]
        await self._commit(kind(self._queue, mail.mail_id, numbers))
        return {"mail": mail.mail_id, "recipients": addresses}

    def _chosen(self, request: dict[str, Any]) -> list[tuple[QueuedMail, tuple[int, ...]]]:
        """Return what a request is about: `mails` or `all`, only one `recipient` of them if that is given."""
        numbers = request.get("mails") or []
        if request.get("all"):
            mails = [*self._queue.mails()]
        elif not isinstance(numbers, list) or not numbers:
            raise QueueError("which messages? Give their numbers, or --all")
        else:
            mails = [self._mail(number) for number in numbers]
        recipient = request.get("recipient")
        chosen = []
        for mail in mails:
            wanted = tuple(
                number
                for number, one in mail.recipients.items()
                if recipient is None or str(one.mailbox) == recipient
            )
            if wanted:
                chosen.append((mail, wanted))
        if recipient is not None and not chosen:
            raise QueueError(f"none of them waits for {recipient}")
        return chosen

    def _mail(self, number: object) -> QueuedMail:
        mail = self._queue.mail(number) if isinstance(number, int) else None
        if mail is None:
            raise QueueError(f"no mail {number} is in the queue; mailproof queue list shows what is")
        return mail

    def _described(self, mail: QueuedMail) -> dict[str, Any]:
        return {
            "mail": mail.mail_id,
            "sender": "" if mail.reverse_path is None else str(mail.reverse_path),
            "octets": mail.size,
            "arrived": _time(mail.queued_at_s),
            "recipients": [self._recipient(mail, one) for one in mail.recipients.values()],
        }

    def _recipient(self, mail: QueuedMail, one: QueuedRecipient) -> dict[str, Any]:
        return {
            "address": str(one.mailbox),
            "state": "trying" if self._queue.is_running(mail.mail_id, one.number) else "waiting",
            "attempts": one.attempts,
            "next_attempt": _time(one.next_at_s),
            "last_reply": one.last_reply,
            "notify": None if one.addressee.notify is None else sorted(one.addressee.notify),
            "orcpt": one.addressee.orcpt,
        }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
