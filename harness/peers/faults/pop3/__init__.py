"""The faults of POP3, and the mediator that they are made of."""
