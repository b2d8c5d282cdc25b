"""The services of a schedule: the strict stand-ins behind wires that can fail at each step."""
