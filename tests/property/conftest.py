"""Lets property tests find the same examples in every run, and other ones when asked to."""

from hypothesis import settings

# A shared machine pauses whenever it likes, so no example has a deadline.
settings.register_profile("falconpay", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("falconpay")
