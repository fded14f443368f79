"""The faults of SMTP and LMTP, and the mediator that they are made of."""
