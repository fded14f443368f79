"""Dates of IMAP: INTERNALDATE with its zone, and the dates of SEARCH, which have neither (RFC 3501 §9)."""

import re
from calendar import timegm
from datetime import date
from typing import Final

from reference_server.codec.imap.lexer import Garbled

MONTHS: Final = (
    b"Jan",
    b"Feb",
    b"Mar",
    b"Apr",
    b"May",
    b"Jun",
    b"Jul",
    b"Aug",
    b"Sep",
    b"Oct",
    b"Nov",
    b"Dec",
)
_MONTH_NUMBERS: Final = {name.lower(): number for number, name in enumerate(MONTHS, 1)}

# date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
_DATE_TIME: Final = re.compile(
    rb"([ 0-3][0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"
)
# date-text = date-day "-" date-month "-" date-year; date-day = 1*2DIGIT
_DATE: Final = re.compile(rb"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


def parse_date_time(octets: bytes) -> tuple[int, int]:
    """Read a date with time: seconds since the epoch, and minutes that the zone is east of UTC."""
    found = _DATE_TIME.fullmatch(octets)
    month = _MONTH_NUMBERS.get(found[2].lower(), 0) if found else 0
    if found is None or not month:
        raise Garbled(b'Expected a date as in "17-Jul-1996 02:44:25 -0700"')
    day, year = int(found[1]), int(found[3])
    hour, minute, second = int(found[4]), int(found[5]), int(found[6])
    zone_hours, zone_minutes = int(found[8]), int(found[9])
    _check_day(year, month, day)
    # 60 is a leap second; it is kept as the first second of the next minute
    if hour > 23 or minute > 59 or second > 60 or zone_hours > 23 or zone_minutes > 59:
        raise Garbled(b"There is no such time")
    zone = zone_hours * 60 + zone_minutes
    if found[7] == b"-":
        zone = -zone
    return timegm((year, month, day, hour, minute, second)) - zone * 60, zone


def format_date_time(epoch_s: int, zone_min: int) -> bytes:
    """Write a date with time as INTERNALDATE does, with its double quotes."""
    days, seconds = divmod(epoch_s + zone_min * 60, 86400)
    day = date.fromordinal(min(max(days + _EPOCH_ORDINAL, 1), date.max.toordinal()))
    sign = b"-" if zone_min < 0 else b"+"
    zone = abs(zone_min)
    return b'"%2d-%s-%04d %02d:%02d:%02d %s%02d%02d"' % (
        day.day,
        MONTHS[day.month - 1],
        day.year,
        seconds // 3600,
        seconds // 60 % 60,
        seconds % 60,
        sign,
        zone // 60,
        zone % 60,
    )


def parse_date(octets: bytes) -> int:
    """Read a date of SEARCH: days since the epoch."""
    found = _DATE.fullmatch(octets)
    month = _MONTH_NUMBERS.get(found[2].lower(), 0) if found else 0
    if found is None or not month:
        raise Garbled(b"Expected a date as in 1-Feb-1994")
    return _check_day(int(found[3]), month, int(found[1]))


def _check_day(year: int, month: int, day: int) -> int:
    try:
        return date(year, month, day).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        raise Garbled(b"There is no such day") from None
