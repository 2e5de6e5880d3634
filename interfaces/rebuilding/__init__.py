"""Builds read models again beside the live ones, compares them, and exchanges them."""
