"""`mailproof deliver`: a message from standard input to a running server, by LMTP or SMTP."""

import argparse
import contextlib
import re
import sys
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from harness.clients.connection import StreamSource
from harness.clients.lmtp import LmtpClient
from harness.clients.smtp import SmtpClient
from harness.targets.loader import load_target
from harness.transport.tcp import connect_tcp, connect_unix
from harness.vocabulary.errors import RemoteProtocolError, TransportError, UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.services import HIGH_PORTS, Service
from harness.vocabulary.smtp import Code
from harness.wire.smtp import Reply

_REPLY_S = 60.0
_CONNECT_S = 10.0
_PLACE = f"127.0.0.1:{HIGH_PORTS[Service.LMTP]}"
_BARE_LF = re.compile(rb"(?<!\r)\n")
_EPILOG = f"""\
The message is read to the end of standard input. Lines that end in LF get their CRLF, and a `From ` line of
an mbox file before the header is left out; nothing else is changed. The default is LMTP to {_PLACE},
where `mailproof serve` listens; LMTP answers for each recipient by itself. One line on standard error says of
every recipient who did not get the message why.

Example:
  mailproof deliver --sender carol@else.test alice@example.test bob@example.test < message.eml

Exit codes, which the pipe transports of mail servers know from sysexits.h:
  0   every recipient has it
  2   wrong usage
  69  refused for good for some recipient, and for none to be tried again (EX_UNAVAILABLE)
  75  for some recipient to be tried again later, or no server there (EX_TEMPFAIL)
"""


class DeliveryCode(IntEnum):
    """What `mailproof deliver` ends with where a message does not reach everybody."""

    UNAVAILABLE = 69
    TEMPORARY = 75


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command to the command line."""
    parser = subparsers.add_parser(
        "deliver",
        help="hand a message on standard input to a running server",
        description="Hand a message on standard input to a running server, by LMTP or SMTP.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("arguments", nargs="+", metavar="RECIPIENT", help="whom it is for")
    parser.add_argument(
        "--sender", default="", metavar="ADDRESS", help="the envelope's sender (default: the null sender)"
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--lmtp", metavar="HOST:PORT|PATH", help=f"by LMTP there (default {_PLACE})")
    place.add_argument("--smtp", metavar="HOST:PORT", help="by SMTP there")
    place.add_argument("--target", type=Path, metavar="FILE", help="by LMTP, or else SMTP, of a target file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Deliver; the exit code."""
    for address in (*arguments.arguments, *filter(None, [arguments.sender])):
        if not address.isascii() or not address.isprintable() or any(octet in address for octet in " <>"):
            raise UsageError(f"{address!r} is no address; give one as alice@example.test")
    source, client = _server(arguments)
    message = as_mail_text(sys.stdin.buffer.read())
    try:
        with client(source, reply_timeout_s=_REPLY_S) as session:
            replies = hand_over(session, arguments.sender, arguments.arguments, message)
    except (TransportError, RemoteProtocolError) as error:
        print(f"mailproof deliver: {error}", file=sys.stderr)
        return DeliveryCode.TEMPORARY
    return _told(arguments.arguments, replies)


def _server(arguments: argparse.Namespace) -> tuple[StreamSource, type[SmtpClient]]:
    """Return how to connect, and what to speak there."""
    if arguments.target is not None:
        file = load_target(arguments.target)
        endpoint = file.endpoint(Service.LMTP) or file.endpoint(Service.SMTP)
        if endpoint is None:
            raise UsageError(f"--target: {arguments.target} has neither LMTP nor SMTP; name a server")
        client = LmtpClient if endpoint.service is Service.LMTP else SmtpClient
        path, host, port = endpoint.path, endpoint.host, endpoint.port
    else:
        client = SmtpClient if arguments.smtp is not None else LmtpClient
        text = arguments.smtp or arguments.lmtp or _PLACE
        host, colon, number = text.rpartition(":")
        path = None
        if client is LmtpClient and "/" in text:
            path, port = Path(text), 0
        elif colon and host and number.isascii() and number.isdigit() and 0 < int(number) < 65_536:
            host, port = host.removeprefix("[").removesuffix("]"), int(number)
        else:
            raise UsageError(f"{text!r} is no HOST:PORT; give a host and a port, as {_PLACE}")
    if path is not None:
        return (lambda: connect_unix(path, _CONNECT_S)), client
    return (lambda: connect_tcp(host, port, _CONNECT_S)), client


def as_mail_text(octets: bytes) -> bytes:
    """Return a message as it travels: CRLF at the end of each line, no `From ` line of an mbox above it."""
    text = _BARE_LF.sub(b"\r\n", octets)
    if text.startswith(b"From "):
        text = text.partition(b"\r\n")[2]
    return text


def hand_over(client: SmtpClient, sender: str, recipients: Sequence[str], message: bytes) -> list[Reply]:
    """Hand the message in for every recipient that the server accepts; the last reply about each of them."""
    greeting = client.greeting()
    if not greeting.is_positive:
        return [greeting] * len(recipients)
    lmtp = isinstance(client, LmtpClient)
    hello = client.lhlo() if isinstance(client, LmtpClient) else client.ehlo()
    parameters = [f"SIZE={len(message)}"] if "SIZE" in client.keywords else []
    if not message.isascii() and "8BITMIME" in client.keywords:
        parameters.append("BODY=8BITMIME")
    mail = client.mail(sender, *parameters) if hello.is_positive else hello
    if not mail.is_positive:
        return [mail] * len(recipients)
    replies = [client.rcpt(recipient) for recipient in recipients]
    accepted = [number for number, reply in enumerate(replies) if reply.is_positive]
    if not accepted:
        return replies
    data = client.data()
    if data.code != Code.START_MAIL_INPUT:
        final = [data] * len(accepted)
    elif lmtp:
        assert isinstance(client, LmtpClient)
        final = client.send_text_lmtp(message, len(accepted))
    else:
        final = [client.send_text(message)] * len(accepted)
    for number, reply in zip(accepted, final, strict=True):
        replies[number] = reply
    return replies


def _told(recipients: Sequence[str], replies: Sequence[Reply]) -> int:
    """Say who does not have the message, and return the exit code."""
    code = int(ExitCode.CONFORMS)
    for recipient, reply in zip(recipients, replies, strict=True):
        if reply.is_positive:
            continue
        with contextlib.suppress(BrokenPipeError):
            text = reply.text.decode("utf-8", "replace")
            shown = "".join(one if one.isprintable() else " " for one in text)
            print(f"mailproof deliver: {recipient}: {reply.code} {shown}", file=sys.stderr)
        if reply.code < 500:
            code = DeliveryCode.TEMPORARY
        elif code != DeliveryCode.TEMPORARY:
            code = DeliveryCode.UNAVAILABLE
    return code
