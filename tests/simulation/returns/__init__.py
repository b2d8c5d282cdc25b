"""What comes back changed: rows with older records, events under new ids, answers that are nobody's verdict.

kinds        how much of it a schedule holds
rows         an administrator restores deleted rows, and imports exports of an earlier moment
new_ids      a migration or an archive gives events new ids
answers      a gateway's answers: empty, a page of HTML, without a code, with one that nobody knows
"""
