"""The app in a schedule: its processes, their deployment, its nightly audits."""
