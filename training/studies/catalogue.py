"""All studies, by name."""

from training.studies import activations, ensembles, filters, gradients, hardest, neuron, restored, rotation
from training.studies.architecture import ARCHITECTURE
from training.studies.generalising import GENERALISING
from training.studies.learning import LEARNING
from training.studies.study import Study, StudyError

STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        neuron.STUDY,
        activations.STUDY,
        gradients.STUDY,
        *(comparison.study() for comparison in (*LEARNING, *ARCHITECTURE, *GENERALISING)),
        filters.STUDY,
        rotation.STUDY,
        ensembles.STUDY,
        hardest.STUDY,
        restored.STUDY,
    )
}


def named(name: str) -> Study:
    """Return the study of that name; raises StudyError with the list of known ones."""
    if name not in STUDIES:
        raise StudyError(f"no study {name!r}; known are: {', '.join(STUDIES)}")
    return STUDIES[name]
