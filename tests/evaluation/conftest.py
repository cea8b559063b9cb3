from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small corpus, its config, and a finished run with a final model in ``run``; not to be changed."""
    from fusion.training.finetune import finetune
    from tests.evaluation.small import experiment_in, write_corpus

    folder = write_corpus(tmp_path_factory.mktemp("trained"))
    loaded = experiment_in(folder)
    finetune(loaded, folder / "run")
    finetune(loaded, folder / "run", final=True)
    return folder
