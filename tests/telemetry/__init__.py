"""What the app tells OpenTelemetry, heard with the real SDK."""
