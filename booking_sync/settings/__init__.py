"""The app settings.

values          from a text to a value, one function per kind
storage         the storage account's settings
setting         what one setting is, and how its value is read
table           every setting: name, default, meaning, type
parts           which settings are loaded by themselves
loading         reads them, whole or in part
contradictions  settings that are fine one by one and can't be right together
registration    what the functions are registered with, before settings are checked
schedules       when the timers run
cautions        settings that are valid but likely unwanted
lookalikes      names that are nearly a setting's, and that nothing reads
"""
