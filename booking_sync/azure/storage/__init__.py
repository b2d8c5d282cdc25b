"""The storage account.

queue        the change queue and its poison queue, as the app writes them
poison       both queues as people look at them and work on the second
intake       the change queue for whoever works its messages off beside the listener
blob_texts   small texts in a blob container
common       what these four have in common: refusals in words, time limits
"""
