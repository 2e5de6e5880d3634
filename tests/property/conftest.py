"""Lets property tests find the same examples in every run, and other ones when asked to."""

from hypothesis import Phase, settings

# A shared machine pauses whenever it likes, so no example has a deadline; and what fails is told
# at once, since making it small takes minutes: the other profile does that.
settings.register_profile(
    "falconpay",
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.register_profile("explore", deadline=None)
# `pytest tests/property --hypothesis-profile=explore` has been heard before this line.
if settings.get_current_profile_name() != "explore":
    settings.load_profile("falconpay")
