"""Each ambient rule on scripted conversations: kept, broken, and not to be judged."""

import pytest

from harness.catalogue import load_catalogue
from harness.conformance.ambient import RULES, Conversation, Rule, Watch
from harness.conformance.ambient.imap import (
    ASCENDING_UIDS,
    EXISTS_NEVER_SHRINKS,
    NO_EXPUNGE_DURING,
    STEADY_UIDS,
)
from harness.conformance.ambient.smtp import FIRST_DIGIT, NO_BARE_CODES
from harness.conformance.subject import Heard, dialogue_of
from harness.transport.transcript import Kind, Transcript
from harness.vocabulary.judging import Outcome
from harness.vocabulary.services import Service


def transcript(*lines: bytes) -> Transcript:
    """Lines that begin with `C: ` and `S: `, or `TLS`; each is an entry of its own, with CRLF."""
    made = Transcript()
    for line in lines:
        match line[:3]:
            case b"C: ":
                made.record(Kind.CLIENT, line[3:] + b"\r\n")
            case b"S: ":
                made.record(Kind.SERVER, line[3:] + b"\r\n")
            case _:
                made.record(Kind.TLS)
    return made


def actual(rule: Rule, *lines: bytes) -> list[str]:
    service = Service.IMAP if Service.IMAP in rule.services else Service.SMTP
    return [breach.actual for breach in rule.breaches(Conversation(service, transcript(*lines)))]


OPENED = (b"S: * OK hello", b"C: a1 SELECT INBOX", b"S: * 3 EXISTS", b"S: a1 OK done")


def test_the_catalogue_has_every_rule() -> None:
    catalogue = load_catalogue()
    for rule in RULES:
        entry = catalogue.find(rule.id)
        assert entry is not None
        assert entry.statement
        assert all(catalogue.find(twin) is not None for twin in rule.also)
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("line", [b"600 what", b"199 what", b"2500 what", b"25 a", b"what", b" 250 ok", b""])
def test_codes_of_another_form_are_found(line: bytes) -> None:
    assert actual(FIRST_DIGIT, b"S: 220 hello", b"C: NOOP", b"S: " + line)


def test_codes_in_their_form_are_not() -> None:
    assert actual(FIRST_DIGIT, b"S: 220-hello", b"S: 220 you", b"C: \x00garbage", b"S: 500", b"S: 250") == []


def test_what_tls_says_after_a_failed_start_is_no_reply() -> None:
    lines = (b"S: 220 hello", b"C: STARTTLS", b"S: 220 go", b"C: EHLO me", b"S: \x15\x03\x03\x00\x02\x02\x28")
    assert actual(FIRST_DIGIT, *lines) == []
    assert actual(FIRST_DIGIT, *lines[:3], b"TLS", b"C: EHLO me", b"S: 650 what") == ["b'650 what\\r\\n'"]


@pytest.mark.parametrize("line", [b"250", b"250 ", b"250  "])
def test_bare_codes_are_found(line: bytes) -> None:
    assert len(actual(NO_BARE_CODES, b"S: 220 hello", b"C: NOOP", b"S: " + line)) == 1


def test_a_reply_with_any_text_is_no_bare_code() -> None:
    lines = (b"S: 220 hello", b"S: 214-Help:", b"S: 214-", b"S: 214 ", b"S: 334 ", b"S: 250 ok")
    assert actual(NO_BARE_CODES, *lines) == []


class TestExists:
    def test_fewer_without_expunge_is_found(self) -> None:
        found = actual(EXISTS_NEVER_SHRINKS, *OPENED, b"C: a2 NOOP", b"S: * 2 EXISTS", b"S: a2 OK done")
        assert found == ["b'* 2 EXISTS\\r\\n'"]

    @pytest.mark.parametrize(
        "lines",
        [
            (b"C: a2 NOOP", b"S: * 2 EXPUNGE", b"S: * 2 EXISTS", b"S: a2 OK done"),
            (b"C: a2 NOOP", b"S: * 4 EXISTS", b"S: * 4 EXISTS", b"S: a2 OK done"),
            (b"C: a2 EXAMINE other", b"S: * 1 EXISTS", b"S: a2 OK done", b"C: a3 NOOP", b"S: * 1 EXISTS"),
            (b"C: a2 SELECT none", b"S: a2 NO none", b"C: a3 NOOP", b"S: * 1 EXISTS"),
            (b"C: a2 CLOSE", b"S: a2 OK done", b"C: a3 NOOP", b"S: * 1 EXISTS"),
            (b"C: a2 NOOP\r\na3 SELECT other", b"S: * 1 EXISTS", b"S: a2 OK done"),
            (b"C: a2 NOOP", b"S: * VANISHED 1:2", b"S: * 1 EXISTS", b"S: a2 OK done"),
            (b"C: (garbage", b"S: * BAD what", b"S: * 1 EXISTS"),
            (b"C: a2 NOOP", b"S: nonsense", b"S: * 1 EXISTS"),
        ],
    )
    def test_what_is_legal_or_beyond_judging_is_not(self, lines: tuple[bytes, ...]) -> None:
        assert actual(EXISTS_NEVER_SHRINKS, *OPENED, *lines) == []

    def test_literals_and_idle_are_followed(self) -> None:
        lines = (
            b"C: a2 APPEND INBOX {9}",
            b"S: + go",
            b"C: a3 NOOP\r\n",
            b"S: * 4 EXISTS",
            b"S: a2 OK done",
            b"C: a3 IDLE",
            b"S: + idling",
            b"C: DONE",
            b"S: a3 OK done",
            b"C: a4 LOGIN {1}",
            b"S: a4 NO no literals",
            b"C: a5 NOOP",
            b"S: * 2 EXISTS",
            b"S: a5 OK done",
        )
        assert actual(EXISTS_NEVER_SHRINKS, *OPENED, *lines) == ["b'* 2 EXISTS\\r\\n'"]


class TestExpunge:
    @pytest.mark.parametrize("command", [b"FETCH 1 FLAGS", b"store 1 +FLAGS (x)", b"SEARCH ALL"])
    def test_during_a_command_with_numbers_it_is_found(self, command: bytes) -> None:
        lines = (b"C: a2 " + command, b"S: * 1 EXPUNGE", b"S: a2 OK done")
        assert actual(NO_EXPUNGE_DURING, *OPENED, *lines) == ["b'* 1 EXPUNGE\\r\\n'"]

    @pytest.mark.parametrize("command", [b"NOOP", b"UID FETCH 1 FLAGS", b"UID SEARCH ALL", b"COPY 1 x"])
    def test_during_others_it_is_legal(self, command: bytes) -> None:
        assert actual(NO_EXPUNGE_DURING, *OPENED, b"C: a2 " + command, b"S: * 1 EXPUNGE") == []

    def test_of_two_commands_it_may_answer_the_other(self) -> None:
        assert actual(NO_EXPUNGE_DURING, *OPENED, b"C: a2 NOOP\r\na3 FETCH 1 UID", b"S: * 1 EXPUNGE") == []


class TestUids:
    @staticmethod
    def told(*numbers_and_uids: tuple[int, int]) -> tuple[bytes, ...]:
        data = tuple(b"S: * %d FETCH (UID %d)" % pair for pair in numbers_and_uids)
        return (*OPENED, b"C: a2 FETCH 1:* UID", *data, b"S: a2 OK done")

    def test_ascending_is_kept_or_found(self) -> None:
        assert actual(ASCENDING_UIDS, *self.told((1, 5), (3, 9), (2, 6))) == []
        assert actual(ASCENDING_UIDS, *self.told((1, 5), (2, 5))) == ["message 2 with UID 5"]
        assert actual(ASCENDING_UIDS, *self.told((3, 5), (1, 7))) == ["message 1 with UID 7"]

    def test_another_uid_is_found_unless_numbers_have_changed(self) -> None:
        again = (b"C: a3 NOOP", b"S: * 1 FETCH (FLAGS () UID 6)", b"S: a3 OK done")
        assert actual(STEADY_UIDS, *self.told((1, 5), (2, 6)), *again) == ["message 1 with UID 6"]
        gone = (b"C: a4 NOOP", b"S: * 1 EXPUNGE", b"S: a4 OK done")
        assert actual(STEADY_UIDS, *self.told((1, 5), (2, 6)), *gone, *again) == []
        other = (b"C: a4 SELECT other", b"S: * 2 EXISTS", b"S: a4 OK done")
        assert actual(STEADY_UIDS, *self.told((1, 5), (2, 6)), *other, *again) == []


class Speaker:
    """A subject that says the same on a connection of its own, whenever it is asked to forget."""

    def __init__(self, spoken: Transcript, *, whole: bool = True) -> None:
        self._spoken = spoken
        self._whole = whole
        self._hearing = None

    def listen(self, hearing) -> None:
        self._hearing = hearing

    def forget(self) -> None:
        shown = dialogue_of("imap 127.0.0.1:1", self._spoken)
        self._hearing([Heard(Service.IMAP, self._spoken, self._whole, lambda: shown)])


class TestWatch:
    BROKEN = transcript(*OPENED, b"C: a2 NOOP", b"S: * 2 EXISTS", b"S: a2 OK done")

    @staticmethod
    def watch() -> Watch:
        return Watch(
            (EXISTS_NEVER_SHRINKS, FIRST_DIGIT), load_catalogue(), lambda check, rule: f"{check} {rule}"
        )

    def outcomes(self, watch: Watch) -> dict[str, Outcome]:
        return {info.id: result.outcome for info, result in watch.results()}

    def test_a_breach_is_a_finding_with_the_conversation_and_where_it_was(self) -> None:
        watch = self.watch()
        for check in ("rfc3501/1/one", "rfc3501/1/two"):
            with watch.during(check, Speaker(self.BROKEN)):
                pass
        (_, result), (_, other) = watch.results()
        assert result.outcome is Outcome.VIOLATES
        assert result.evidence.expected.startswith("EXISTS of at least 3")
        assert result.evidence.note == "seen during rfc3501/1/one, rfc3501/1/two"
        assert result.evidence.replay == f"rfc3501/1/one {EXISTS_NEVER_SHRINKS.id}"
        assert "S: * 2 EXISTS" in result.evidence.dialogues[0].text
        assert other.outcome is Outcome.UNSUPPORTED

    def test_without_one_it_conforms(self) -> None:
        watch = self.watch()
        with watch.during("rfc3501/1/one", Speaker(transcript(*OPENED))):
            pass
        assert self.outcomes(watch)[EXISTS_NEVER_SHRINKS.id] is Outcome.CONFORMS

    def test_what_is_not_whole_or_of_a_check_that_is_left_out_is_not_judged(self) -> None:
        watch = self.watch()
        with watch.during("rfc3501/1/one", Speaker(self.BROKEN, whole=False)):
            pass
        with watch.during("", Speaker(self.BROKEN)):
            pass
        assert set(self.outcomes(watch).values()) == {Outcome.UNSUPPORTED}

    def test_rules_that_are_not_selected_are_not_judged(self) -> None:
        watch = self.watch()
        watch.keep({FIRST_DIGIT.id})
        assert [info.id for info in watch.infos] == [FIRST_DIGIT.id]
