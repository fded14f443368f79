"""Byte streams under the clients: TCP, TLS, memory, tampered, recorded."""
