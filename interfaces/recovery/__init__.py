"""Backup, restore and recovery: what is kept of an installation, and how it comes back."""
