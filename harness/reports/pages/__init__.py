"""What the HTML pages are made of: words and signs, rows, dialogues cut to size, and the frame of a page."""
