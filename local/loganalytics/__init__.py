"""Stand-in for the query API of a Log Analytics workspace, with the telemetry of the local app in it."""
