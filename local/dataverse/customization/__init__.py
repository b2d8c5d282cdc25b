"""What provisioning and the doctor meet: table definitions, solutions, privileges, the platform's rules."""
