"""What people see of the running app and can order of it: the operator's page, health, and the journal."""
