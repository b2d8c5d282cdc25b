"""The languages of events: catalogues as translators know them (gettext's `.po`), and their reading.

    catalogue     from a catalogue's text to words, and whatever is wrong with it
    events.pot    every text that is to be translated; written by `python -m tools.languages`
    de.po …       the languages that are shipped

English needs no catalogue, and costs no reading.
"""
