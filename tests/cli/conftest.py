from tests.evaluation.conftest import trained

__all__ = ["trained"]
