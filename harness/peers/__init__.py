"""What a server under test talks to: DNS (dnspython builds the answers) and next hops (aiosmtpd)."""
