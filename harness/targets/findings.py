"""What provisioning finds out about the target by itself: mail lost, doubled or refused, no way at all."""

from harness.vocabulary.errors import MailproofError


class Lacking(MailproofError):
    """The target, or its file, lacks what a check turns out to need: unsupported, and nobody's fault."""


class WrongMail(AssertionError):
    """The mailbox does not hold what it should: a finding about the target."""

    def __init__(self, expected: str, actual: str) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(expected, actual)

    def __str__(self) -> str:
        return f"expected {self.expected}; got {self.actual}"


class DeliveryRefused(WrongMail):
    """The target refused an ordinary message, which a check needed in place."""
