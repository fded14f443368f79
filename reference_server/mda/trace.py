"""Trace fields: Received and Return-Path (RFC 5321 §4.4)."""

from datetime import UTC, datetime
from functools import lru_cache

from reference_server.codec.smtp.path import ReversePath, address_literal

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def date_time(when: datetime) -> str:
    """Write date-time (RFC 5322 §3.3), in English whatever the locale."""
    zone = "+0000" if when.tzinfo is UTC else f"{when:%z}"
    return _date_time(when.replace(microsecond=0, tzinfo=None), zone)


@lru_cache(4)
def _date_time(when: datetime, zone: str) -> str:
    """Write it once a second."""
    return (
        f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year:04} "
        f"{when.hour:02}:{when.minute:02}:{when.second:02} {zone}"
    )


def received(
    *,
    hello_name: str,
    peer_address: str,
    hostname: str,
    protocol: str,
    queue_id: str,
    recipient: str | None,
    when: datetime,
) -> bytes:
    """Write the Received field of this hop.

    `recipient` is given only where the message has a single one: with more, `for` would tell the blind copies
    (RFC 5321 §4.4, §7.2). A client on a local socket has no address to record.
    """
    # Extended-Domain = Domain / ( Domain FWS "(" TCP-info ")" ) / ( address-literal FWS "(" TCP-info ")" )
    client = hello_name if peer_address == "unix" else f"{hello_name} ({address_literal(peer_address)})"
    addressee = f"\r\n\tfor <{recipient}>" if recipient else ""
    return (
        f"Received: from {client}\r\n\tby {hostname} with {protocol} id {queue_id}{addressee};"
        f"\r\n\t{date_time(when)}\r\n"
    ).encode()


def return_path(reverse_path: ReversePath) -> bytes:
    """Write the Return-Path of final delivery."""
    return b"Return-Path: <%b>\r\n" % ("" if reverse_path is None else str(reverse_path)).encode("utf-8")
