"""Whose mistake an error is: a class of this package's own tells a person what to put right, any other is a defect."""


class InputError(ValueError):
    """What a person has set or brought cannot be used: a setting, data, a network; the message is one sentence for them."""
