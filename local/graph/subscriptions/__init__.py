"""Subscriptions to changes of events, and the notifications that they bring.

`store` keeps subscriptions and their rules, `service` answers requests about them, `delivery` posts what
they bring to the addresses, and `health` judges by their answers how these are treated.
"""
