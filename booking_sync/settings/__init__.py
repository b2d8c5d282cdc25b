"""The app settings.

values    from a text to a value, one function per kind
storage   the storage account's settings
table     every setting: name, default, meaning, type
loading   reading them, whole or in part
cautions  what can be used and will still surprise
"""
