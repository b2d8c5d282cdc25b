"""The repository's texts in other people's languages, read by the parsers of those people.

Whatever is written for Azure, GitHub, a browser or a shell fails far from here: in a portal, in a push, on a
screen. So each text goes through the parser or the schema of whoever reads it in the end, where one is
served as a package; each module here is about one language. docs/assumptions.md has the list, and names the
texts for which no such parser is served.

Every parser has to find a fault in a control text first: one that finds nothing anywhere proves nothing.
"""
