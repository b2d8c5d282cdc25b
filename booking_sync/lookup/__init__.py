"""What people call a booking or a technician -> the one that is meant. Pure.

`ports.dataverse.lookup` finds what fits.

words    what somebody typed -> an id, or words to search by
choice   what was found -> the one that is meant, or those between which a person must choose
"""
