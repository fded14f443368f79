"""Protocol sessions without input or output: octets in, replies and effects out."""
