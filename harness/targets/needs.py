"""Whether a target has what a check needs, and why not."""

import errno
import socket
from typing import assert_never

from harness.targets.accounts import AccountPool
from harness.targets.capabilities import Capabilities
from harness.targets.file import OutboundRoute, Permit, TargetFile
from harness.targets.findings import Lacking
from harness.vocabulary.judging import PLAYED_BY, Need, Offers
from harness.vocabulary.services import Service

_SUBMITTING = (Service.SMTP, Service.LMTP, Service.SUBMISSION, Service.SUBMISSIONS)
_ROLES = {
    **PLAYED_BY,
    Need.SUBMIT: _SUBMITTING,
    Need.RETRIEVE: (Service.IMAP, Service.IMAPS, Service.POP3, Service.POP3S),
}
_FILLING = (*_SUBMITTING, *PLAYED_BY[Need.IMAP])
"""By which a maildrop gets its messages: by delivery, or by APPEND."""
_RELAYING = (Service.SUBMISSION, Service.SUBMISSIONS)


def lacking(
    need: Need | Service | Offers, file: TargetFile, accounts: AccountPool, capabilities: Capabilities
) -> str | None:
    """Why the target cannot give what is needed, for the outcome `unsupported`; None if it can."""
    match need:
        case Service():
            return None if file.endpoint(need) is not None else f"the target has no {need}"
        case Offers():
            try:
                return _lacking_offer(need, file, capabilities)
            except Lacking as error:
                return str(error)
        case _:
            return _lacking_role(need, file, accounts)


def _lacking_offer(need: Offers, file: TargetFile, capabilities: Capabilities) -> str | None:
    service = file.player(need.service)
    if file.endpoint(service) is None:
        return _one_of(file, PLAYED_BY[need.service] if isinstance(need.service, Need) else (service,))
    offered = capabilities.of(service, authenticated=need.authenticated)
    if need.capability.upper() in offered:
        return None
    return f"{service} does not offer {need.capability}{' after login' if need.authenticated else ''}"


def _lacking_role(need: Need, file: TargetFile, accounts: AccountPool) -> str | None:
    known = file.accounts
    match need:
        case Need.SUBMIT | Need.RETRIEVE | Need.IMAP | Need.POP3:
            reason = _one_of(file, _ROLES[need])
        case Need.OUTBOUND if file.outbound is None:
            reason = "the target file has no [outbound]"
        case Need.OUTBOUND:
            assert file.outbound is not None
            reason = _one_of(file, _RELAYING) or _unanswerable(file.outbound)
        case Need.UNKNOWN_RECIPIENT:
            reason = None if known.unknown else "the target file names no accounts.unknown"
        case Need.TWO_ACCOUNTS:
            enough = len(accounts.accounts) > 1 or known.create is not None
            reason = None if enough else "the target file names fewer than two accounts"
        case Need.EMPTY_MAILDROP if accounts.maildrops == 0:
            reason = "the target file names no accounts.pop3, whose maildrops may be emptied"
        case Need.EMPTY_MAILDROP:
            reason = _one_of(file, PLAYED_BY[Need.POP3]) or _one_of(file, _FILLING)
        case Need.HOSTILE:
            allowed = Permit.HOSTILE_INPUT in file.permits
            reason = None if allowed else f'the target file does not permit "{Permit.HOSTILE_INPUT}"'
        case _:
            assert_never(need)
    return reason


def _one_of(file: TargetFile, services: tuple[Service, ...]) -> str | None:
    if any(file.endpoint(service) is not None for service in services):
        return None
    return f"the target has {'none of ' if len(services) > 1 else 'no '}{', '.join(services)}"


def _unanswerable(route: OutboundRoute) -> str | None:
    """Why we cannot answer DNS where the target asks; one that is merely in use is another worker's."""
    family = socket.AF_INET6 if ":" in route.dns_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((route.dns_host, route.dns_port))
        except PermissionError:
            return f"DNS on port {route.dns_port} takes root"
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return f"no DNS on {route.dns_host}:{route.dns_port}: {error.strerror}"
    return None
