"""Columns that an administrator wants in events, on Dataverse.

shape          joins them to what is read of a booking anyhow: one question, whatever they are
reading        their values in an answer
definitions    what the environment knows of its tables: columns, their types, labels, lookups
"""
