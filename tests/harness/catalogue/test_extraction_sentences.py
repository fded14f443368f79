"""The tool reads the layout of an RFC: each normative sentence is found whole, in its section, and once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tea_rfc import TEXT

from harness.catalogue.extraction.guesses import level_of, side_of, slug_of, visibility_of
from harness.catalogue.extraction.sentences import Sentence, digest_of, levels_in, sentences_of, split
from harness.catalogue.requirements import Side, Visibility
from harness.vocabulary.judging import Level


def found(text=TEXT):
    return [(one.section, one.text) for one in sentences_of(text) if one.levels]


def test_the_normative_sentences_are_found_in_their_sections():
    assert found() == [
        ("0", "It MAY whistle."),
        ("2", "A pot that is asked for coffee MUST answer 418, and the answer goes on behind the page."),
        ("2", "It SHOULD say what a tea-pot is."),
        ("2", "A client MAY ask for:"),
        ("2", "milk, which the pot MUST NOT warm twice in one cup;"),
        ("2", "cup: MUST be clean"),
        ("2", "size: of at least one and MAY be large"),
        ("2.1", "Oolong SHOULD"),
        ("2.1", "NOTE: A pot MUST be emptied."),
        ("2.1", "A pot with MILK SHALL stir."),
        ("A", "It is OPTIONAL to polish the pot."),
    ]


def test_other_sentences_are_there_to_be_shown_and_some_look_like_duties():
    others = {one.text: one.may_be_duty for one in sentences_of(TEXT) if not one.levels}
    assert others["Pots are old, e.g. from Dr. Chai."] is False
    assert others["A cup is small; see Section 2.1."] is False
    assert others["Water must be hot."] is True
    assert others["The POUR command"] is False
    assert not any("memo" in text or "book" in text or "Page" in text or "418 It" in text for text in others)


def test_a_sentence_that_ends_with_a_colon_has_what_follows_as_context():
    lead_in = next(one for one in sentences_of(TEXT) if one.text == "A client MAY ask for:")
    assert lead_in.context.startswith("milk, which")


def test_one_that_a_section_repeats_is_there_once_and_one_of_two_sections_twice():
    text = "1.  One\n\n   It MUST be.  It MUST be.\n\n2.  Two\n\n   It MUST be.\n"
    assert found(text) == [("1", "It MUST be."), ("2", "It MUST be.")]


def test_sections_come_in_order_so_that_a_numbered_line_is_no_section():
    text = (
        "3.  Three\n\n   It MUST be.\n\n1.  not a heading\n\n   It MAY be.\n\n"
        "A.1.  Of the appendix\n\n   It MUST go.\n"
    )
    assert [section for section, _ in found(text)] == ["3", "3", "A.1"]


def test_a_page_ends_a_dialogue_and_a_letter_may_stand_before_the_word_appendix():
    text = (
        "1.  One\n\n   S: 418 no\n\nBrewer   [Page 1]\n\n\f\nRFC 7168     Tea Pot     April 2014\n\n"
        "   It MUST be.\n\nA. Appendix -- More\n\n   It MAY be.\n"
    )
    assert found(text) == [("1", "It MUST be."), ("A", "It MAY be.")]


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("It MUST be and it MUST NOT go.", [Level.MUST, Level.MUST_NOT]),
        ("It SHALL   NOT go.", [Level.MUST_NOT]),
        ("It is NOT RECOMMENDED, but REQUIRED.", [Level.SHOULD_NOT, Level.MUST]),
        ("An OPTIONAL space, RECOMMENDED.", [Level.MAY, Level.SHOULD]),
        ('The word "MUST" is quoted, MUST-HAVE is another word, and must is small.', []),
        ("UNLESS REQUIRED BY LAW THE POT MUST BE PROVIDED AS IT IS.", []),
        ("The key words MUST and MAY are to be interpreted as described in RFC 2119.", []),
    ],
)
def test_key_words_are_read_as_rfc_2119_has_them(text, levels):
    assert list(levels_in(text)) == levels


def test_sentences_end_at_a_full_stop_and_not_at_an_abbreviation():
    text = 'See Sec. 4 (i.e. there).  "So it is."  RFC 5321 has it, cf. J. Klensin. Yes!  250 is a code.'
    assert list(split(text)) == [
        "See Sec. 4 (i.e. there).",
        '"So it is."',
        "RFC 5321 has it, cf. J. Klensin.",
        "Yes!",
        "250 is a code.",
    ]


@given(st.lists(st.text(st.characters(categories=("L", "N", "P")), min_size=1), min_size=1), st.data())
def test_the_digest_of_a_sentence_does_not_change_with_its_lines(words, data):
    spaces = data.draw(
        st.lists(st.sampled_from([" ", "  ", "\n", "\n   "]), min_size=len(words), max_size=len(words))
    )
    spaced = "".join(word + space for word, space in zip(words, spaces, strict=True))
    assert digest_of(spaced) == digest_of(" ".join(words))
    assert len(digest_of(spaced)) == 16


@given(st.text(st.sampled_from("ab .\n\f|;=:oCS1-\tMUST[]Page"), max_size=300))
def test_any_text_can_be_read(text):
    for sentence in sentences_of(text):
        assert sentence.text.strip() == sentence.text != ""


@pytest.mark.parametrize(
    ("text", "side", "visibility"),
    [
        ("The server MUST reply.", Side.SERVER, Visibility.CONNECTION),
        ("If the server is old, SMTP client implementations MUST wait.", Side.CLIENT, Visibility.CONNECTION),
        ("The relay MUST add a Received line.", Side.SERVER, Visibility.DELIVERY),
        ("The field MUST be short.", Side.FORMAT, Visibility.DELIVERY),
        ("Administrators SHOULD look.", Side.OPERATOR, Visibility.HIDDEN),
        ("A code MUST be returned.", Side.SERVER, Visibility.CONNECTION),
        ("Implementations MUST live.", Side.BOTH, Visibility.CONNECTION),
        ("It MUST be.", Side.BOTH, Visibility.CONNECTION),
    ],
)
def test_the_first_guess_goes_by_who_is_named(text, side, visibility):
    sentence = Sentence(1, "2", text, digest_of(text), levels_in(text))
    assert (side_of(sentence), visibility_of(sentence, side)) == (side, visibility)


def test_an_id_is_made_of_the_sentences_own_words():
    text = "The server MUST return a 503 reply to RCPT without MAIL."
    assert slug_of(Sentence(1, "2", text, "", levels_in(text))) == "return-503-reply-rcpt"
    assert slug_of(Sentence(1, "2", "It is.", "", ())) == "sentence"
    assert level_of(Sentence(1, "2", "It is.", "", ())) is Level.PROSE
