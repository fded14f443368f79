"""The delivery agent: who a recipient is, trace fields, and the change that stores a message."""
