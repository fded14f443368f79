"""The server's own reading and writing of SMTP: commands, paths, parameters, replies, the text of DATA."""
