"""Internationalised labels of domains: which are U-labels, and their A-labels (RFC 5890, RFC 5891, RFC 5892).

A U-label is not mapped to anything before it is encoded: what would have to be mapped, as a capital letter,
is none (RFC 5891 §4). So the A-label is `xn--` and the Punycode of the label as it stands.
"""

import unicodedata

A_LABEL_OCTETS = 63
"""RFC 1035 §2.3.4: the longest label."""
_LETTERS_AND_DIGITS = frozenset({"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"})
"""RFC 5892 §2.1."""
_ALLOWED = frozenset("\u00df\u03c2\u06fd\u06fe\u0f0b\u3007\u00b7\u0375\u05f3\u05f4\u30fb\u200c\u200d")
"""RFC 5892 §2.6 and §2.8: valid in spite of their properties, or in contexts that are not looked at."""
_REFUSED = frozenset("\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b")
"""RFC 5892 §2.6: disallowed in spite of their properties."""


def is_u_label(label: str) -> bool:
    """Whether a label with characters outside ASCII is a U-label (RFC 5890 §2.3.2.1)."""
    return (
        not label.isascii()
        and unicodedata.is_normalized("NFC", label)
        and label[2:4] != "--"
        and label[:1] != "-"
        and label[-1:] != "-"
        and not unicodedata.category(label[0]).startswith("M")
        and all(_is_allowed(character) for character in label)
        and len(a_label(label)) <= A_LABEL_OCTETS
    )


def _is_allowed(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character == "-"
    if character in _ALLOWED:
        return True
    if character in _REFUSED or unicodedata.category(character) not in _LETTERS_AND_DIGITS:
        return False
    # RFC 5892 §2.2, Unstable: what compatibility or case folding would change.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
    return folded == character


def a_label(label: str) -> str:
    """Return the form of a label that stands in the DNS."""
    return label if label.isascii() else "xn--" + label.lower().encode("punycode").decode("ascii")


def a_labels(domain: str) -> str:
    """Return a domain with all its labels as they stand in the DNS; other domains as they are."""
    return domain if domain.isascii() else ".".join(map(a_label, domain.split(".")))
