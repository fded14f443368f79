"""A text in the layout of an RFC, in our own words, for the tests of the tool that reads such texts."""

TEXT = """\
\ufeff



Network Working Group                                           A. Brewer
Request for Comments: 7168                                      Tea House
Category: Informational                                        April 2014


                       The Tea Pot Protocol

Status of this Memo

   This memo MUST be ignored by the tool.

Abstract

   A pot that brews.  It MAY whistle.

Table of Contents

   1.   Introduction ............................................    1
   2.   Brewing .................................................    2
   2.1. The POUR command ........................................    2

1.  Introduction

   The key words "MUST", "SHOULD" and "MAY" in this document are to be
   interpreted as described in RFC 2119.

   Pots are old, e.g. from Dr. Chai.  A cup is small; see Section 2.1.
   Water must be hot.

2.  Brewing

   A pot that is asked for coffee MUST answer 418, and the answer goes

Brewer                        Informational                      [Page 1]

RFC 7168                    Tea Pot Protocol                   April 2014


   on behind the page.  It SHOULD say what a tea-
   pot is.

   A client
   MAY ask for:

   o  milk, which the pot MUST NOT warm twice
      in one cup;

   o  sugar.

   C: POUR 1
   S: 418 It MUST NOT be read

   cup  = "cup" SP size     ; MUST be clean
   size = 1*DIGIT           ; of at least one
                            ; and MAY be large

2.1.  The POUR
      command

   +---------+--------+
   | Kind    | Status |
   +---------+--------+
   | Oolong  | SHOULD |
   | steeped |        |
   |         | twice  |
   +---------+--------+

   |  NOTE: A pot MUST be emptied.

   MILK
      A pot with MILK SHALL stir.

3.  References

   [MUST]  A book that MUST be read.

Appendix A.  Old pots

   It is OPTIONAL to polish the pot.

Author's Address

   A. Brewer MUST be here.
"""
