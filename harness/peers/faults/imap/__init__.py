"""The faults of IMAP, and the mediator that they are made of."""
