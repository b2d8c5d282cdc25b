"""Tests of what reaches the app from Outlook."""
