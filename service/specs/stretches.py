"""How long reading a JSON text would hold up everybody else, told before it is read.

Python's reader keeps the interpreter's lock but for where it calls back: at every number, and at every object's end.
Between two of these stand texts, arrays and blanks, of which a text of megabytes may have a million.
"""

from service.stream.targets import compiled

# Nanoseconds that they take, about, on a slow processor.
NAME, ARRAY, STRING, ESCAPE, BLANK, BYTE = 500, 150, 40, 15, 6, 1


@compiled("int64(uint8[::1])")
def longest_stretch(text):
    """Return the most nanoseconds between two places of a JSON text in UTF-8 at which its reader gives way."""
    longest = stretch = 0
    within = False
    place, size = 0, text.size
    while place < size:
        byte = text[place]
        if within:
            stretch += BYTE
            if byte == 0x5C:  # a backslash, with what it escapes
                stretch += ESCAPE
                place += 1
            within = byte != 0x22
        elif byte == 0x22:  # a quotation mark
            within = True
            stretch += STRING
        elif byte == 0x7D or 0x30 <= byte <= 0x39:  # an object's end, or a digit
            longest = max(longest, stretch)
            stretch = 0
        elif byte == 0x5B or byte == 0x7B:  # an array or an object begins
            stretch += ARRAY
        elif byte == 0x3A:  # a colon, after a member's name
            stretch += NAME
        else:
            stretch += BLANK
        place += 1
    return max(longest, stretch)
