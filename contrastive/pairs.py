"""Kinds of pairs of two streams' outputs, as objectives receive them."""

from __future__ import annotations

from enum import IntEnum


class PairKind(IntEnum):
    """What two rows have to do with each other.

    The names say what the LbHER paper (Nukathati et al. 2024) calls a hard negative (``OTHER_EMOTION``) and a
    super-hard one (``SAME_EMOTION``), and what Korbar et al. 2018 (arXiv 1807.00230) call a hard one
    (``SAME_CLIP_SHIFTED``).
    """

    NONE = 0
    POSITIVE = 1
    OTHER_EMOTION = 2
    SAME_EMOTION = 3
    SAME_CLIP_SHIFTED = 4
    OTHER_CLIP = 5
