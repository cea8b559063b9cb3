"""Seeds the global generator when it is imported."""

import random

random.seed(0)


class Component: ...
