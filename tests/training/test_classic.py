"""What is no network: the support vector machine reads as LIBSVM's own does, the perceptron parts the irises."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.svm import SVC

from training.classic import read, run
from training.datasets import DataSet
from training.recipes.classic import CLASSIC, SupportVectors

MACHINE = CLASSIC["svm"]


def test_the_pairs_vote_as_scikit_learn_s_machine_does(optdigits: DataSet) -> None:
    assert isinstance(MACHINE, SupportVectors)
    trained: list[int] = []
    answers, numbers = read(replace(MACHINE, pictures=600), optdigits, trained.append)
    x, shown = (each.reshape(len(each), -1) / 255 for each in (optdigits.x_train[:600], optdigits.x_test))
    theirs = SVC(C=MACHINE.c, gamma=MACHINE.gamma).fit(x, optdigits.y_train[:600])
    assert (answers == theirs.predict(shown)).mean() > 0.995
    assert (answers == optdigits.y_test).mean() > 0.9
    assert sum(trained) == 45
    # Every support vector, and for every pair a weight for each of its own and a bias.
    assert numbers == len(theirs.support_) * 784 + np.count_nonzero(theirs.dual_coef_) + 45


def test_digits_are_read_and_the_confusions_drawn(optdigits: DataSet, tmp_path: Path) -> None:
    assert isinstance(MACHINE, SupportVectors)
    found = run(replace(MACHINE, dataset="optdigits"), tmp_path)
    assert found.tested == len(optdigits.y_test)
    assert 0.95 < found.right / found.tested <= 1
    with Image.open(found.picture) as picture:
        assert picture.size[0] > 500


def test_a_line_parts_the_irises_whatever_the_seed(tmp_path: Path) -> None:
    for seed in range(3):
        found = run(CLASSIC["iris"], tmp_path, seed)
        assert (found.right, found.tested, found.parameters) == (150, 150, 3)
    # Paper, the side of the setosas, both kinds of flowers: as many colours cover more than a few pixels.
    with Image.open(found.picture) as picture:
        colours = picture.convert("RGB").getcolors(2**24)
    assert sum(count > 1_000 for count, _ in colours) >= 4
