"""The instrument's own reading of mail protocols, without input or output: octets in, events out."""
