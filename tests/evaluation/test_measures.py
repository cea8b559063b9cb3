import numpy as np
import pytest
from sklearn import metrics

from fusion.evaluation.measures import by_group, curves, main_measure, measures, true_classes

NAMES = ("calm", "happy", "angry")


def some(seed: int = 0, clips: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    targets = np.eye(3)[random.integers(3, size=clips)]
    raw = random.normal(size=(clips, 3)) + 1.2 * targets
    return np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True), targets


def test_single_classes_agree_with_scikit_learn() -> None:
    probabilities, targets = some()
    true, said = targets.argmax(1), probabilities.argmax(1)
    found = measures("single", NAMES, probabilities, targets)
    precision, recall, f1, clips = metrics.precision_recall_fscore_support(true, said, labels=[0, 1, 2])
    for column, name in enumerate(NAMES):
        own = found["by_class"][name]
        assert [own["precision"], own["recall"], own["f1"], own["clips"]] == pytest.approx(
            [precision[column], recall[column], f1[column], clips[column]]
        )
        assert own["roc_area"] == pytest.approx(metrics.roc_auc_score(targets[:, column], probabilities[:, column]))
    assert found["roc_area"] == pytest.approx(metrics.roc_auc_score(true, probabilities, multi_class="ovr"))
    assert found["confusion"] == metrics.confusion_matrix(true, said).tolist()
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(true, said, average="macro"))


def test_the_points_of_a_curve_enclose_its_area() -> None:
    probabilities, targets = some(1, 500)
    found = measures("single", NAMES, probabilities, targets)
    for name, lines in curves(NAMES, probabilities, true_classes("single", targets)).items():
        roc = np.array(lines["roc"])
        assert len(roc) <= 60
        assert roc[0].tolist() == [0, 0]
        assert roc[-1].tolist() == [1, 1]
        assert np.trapezoid(roc[:, 1], roc[:, 0]) == pytest.approx(found["by_class"][name]["roc_area"], abs=0.02)


def test_a_class_that_no_clip_has_gets_no_curve_and_no_area() -> None:
    probabilities, targets = some()
    keep = targets[:, 2] == 0
    probabilities, targets = probabilities[keep], targets[keep]
    found = measures("single", NAMES, probabilities, targets)
    assert found["by_class"]["angry"]["roc_area"] is None
    assert found["by_class"]["angry"]["recall"] is None
    assert set(curves(NAMES, probabilities, true_classes("single", targets))) == {"calm", "happy"}


def test_several_classes_have_neither_confusion_nor_calibration() -> None:
    random = np.random.default_rng(0)
    found = measures("several", NAMES, random.random((30, 3)), (random.random((30, 3)) < 0.5).astype(float))
    assert "confusion" not in found
    assert "calibration_error" not in found
    assert main_measure("several") == "macro_f1"


def test_dimensions_have_concordance_and_errors() -> None:
    ratings = np.random.default_rng(0).normal(size=(30, 2))
    found = measures("dimensions", ("valence", "arousal"), ratings + np.array([0, 1]), ratings)
    assert found["by_dimension"]["valence"] == pytest.approx({"concordance": 1, "root_mean_square_error": 0})
    assert found["by_dimension"]["arousal"]["root_mean_square_error"] == pytest.approx(1)
    assert main_measure("dimensions") == "concordance"


def test_groups_leave_out_clips_whose_group_is_unknown() -> None:
    probabilities, targets = np.eye(3)[[0, 1, 2, 0]], np.eye(3)[[0, 1, 1, 2]]
    found = by_group("single", ["anna", "anna", "ben", None], probabilities, targets)
    assert found["anna"] == {"clips": 2.0, "score": 1.0, "accuracy": 1.0}
    assert found["ben"]["score"] == 0.0
    assert set(found) == {"anna", "ben"}
