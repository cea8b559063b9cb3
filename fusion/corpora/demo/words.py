"""What is said: sentences whose words show an emotion, and plain ones."""

from __future__ import annotations

import numpy as np

THINGS = ("letter", "garden", "dinner", "meeting", "picture", "house", "train", "window", "story", "present")
TIMES = ("today", "again", "this morning", "last night", "at noon")
PLAIN = (
    "the {thing} is on the table",
    "we talked about the {thing} {time}",
    "they put the {thing} in the hall",
    "i saw the {thing} {time}",
    "he comes with the {thing} {time}",
    "she asked for the {thing} {time}",
    "there is a {thing} near the door",
    "you can leave the {thing} here",
)
TELLING = {
    "happy": (
        "i love the {thing} so much",
        "what a wonderful {thing} {time}",
        "i am so glad about the {thing}",
        "the {thing} was great fun {time}",
        "we laughed at the {thing} {time}",
        "such a lovely {thing} thank you",
    ),
    "sad": (
        "i miss the {thing} so much",
        "we lost the {thing} {time}",
        "i am so sorry about the {thing}",
        "the {thing} is gone and i cry",
        "i sat alone with the {thing} {time}",
        "such a lonely {thing} without you",
    ),
    "angry": (
        "i hate the {thing} so much",
        "stop it with the {thing} now",
        "i am furious about the {thing}",
        "the {thing} is your fault {time}",
        "how dare you touch the {thing}",
        "enough of this terrible {thing}",
    ),
}


def sentence(emotion: str, random: np.random.Generator) -> str:
    """A sentence whose words show the emotion; ``neutral`` gives a plain one."""
    templates = TELLING.get(emotion, PLAIN)
    template = templates[int(random.integers(len(templates)))]
    thing = THINGS[int(random.integers(len(THINGS)))]
    return template.format(thing=thing, time=TIMES[int(random.integers(len(TIMES)))])
