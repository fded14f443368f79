"""Dates: `date-time` of INTERNALDATE and APPEND, `date` of SEARCH (RFC 9051 §9)."""

import re
from datetime import date, datetime, timedelta, timezone

from harness.vocabulary.imap import MONTHS
from harness.wire.imap.cursor import Cursor

# date-time       = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
# date-day-fixed  = (SP DIGIT) / 2DIGIT
# time            = 2DIGIT ":" 2DIGIT ":" 2DIGIT
# zone            = ("+" / "-") 4DIGIT
_DATE_TIME = re.compile(
    rb'"( [0-9]|[0-9]{2})-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-([0-9]{4})'
    rb' ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"',
    re.IGNORECASE,
)


def read_date_time(cursor: Cursor) -> datetime:
    """Read `date-time`; it must also exist in the calendar. A leap second becomes the second before it."""
    start = cursor.offset
    octets = cursor.take(_DATE_TIME, 'a date-time as " 1-Jan-2026 00:00:00 +0000"')
    found = _DATE_TIME.match(octets)
    assert found is not None
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = found.groups()
    offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    try:
        if int(zone_minutes) > 59:
            raise ValueError("a zone of more than 59 minutes past the hour")
        return datetime(
            int(year),
            MONTHS.index(month.title()) + 1,
            int(day),
            int(hour),
            int(minute),
            min(int(second), 59) if int(second) == 60 else int(second),
            tzinfo=timezone(-offset if sign == b"-" else offset),
        )
    except ValueError:
        cursor.offset = start
        cursor.fail("a date-time that the calendar and the clock know")


def encode_date_time(moment: datetime) -> bytes:
    """Write `date-time` with its quotes; a naive moment is taken as UTC."""
    zone = moment.utcoffset() or timedelta()
    minutes = int(zone.total_seconds()) // 60
    sign = b"-" if minutes < 0 else b"+"
    return b'"%2d-%s-%04d %02d:%02d:%02d %s%02d%02d"' % (
        moment.day,
        MONTHS[moment.month - 1],
        moment.year,
        moment.hour,
        moment.minute,
        moment.second,
        sign,
        *divmod(abs(minutes), 60),
    )


def encode_date(day: date) -> bytes:
    """Write `date-text`: `1-Jan-2026`."""
    # date            = date-text / DQUOTE date-text DQUOTE
    # date-text       = date-day "-" date-month "-" date-year       date-day = 1*2DIGIT
    return b"%d-%s-%04d" % (day.day, MONTHS[day.month - 1], day.year)
