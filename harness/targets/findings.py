"""What provisioning finds out about the target by itself: mail lost, doubled, or refused."""


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
