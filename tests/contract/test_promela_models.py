"""The models for spin speak of code that is there, and ci/model tries each mistake that they know."""

import re

import pytest
from helpers.sources import PACKAGE, ROOT, label, package_files

MODELS = [PACKAGE / "prices" / "slot.pml", PACKAGE / "delivery" / "ring.pml"]
SIZES = {"SINGLES", "BATCHES", "UPDATES", "READS", "ROUNDS", "HOLDS", "CAPACITY"}


def spoken_of(text: str) -> set[str]:
    """Return the functions named in the head comment, without the model's own labels."""
    head = text.split("*/")[0]
    own = set(re.findall(r"[WRH]\.(\w+)", head))
    return {name for name in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", head) if name not in own}


def switches(text: str) -> set[str]:
    """Return what -D can say."""
    return set(re.findall(r"(?:#ifn?def |defined\()(\w+)", text))


@pytest.mark.parametrize("path", MODELS, ids=label)
def test_what_a_model_says_it_stands_for_is_in_the_code(path):
    code = "\n".join(source.read_text() for source in package_files(".pxd", ".pyx", ".h"))
    gone = {name for name in spoken_of(path.read_text()) if not re.search(rf"(?:\b|pc_){name}\b", code)}
    assert gone - {"weak_memory", "gate_protocol", "slot_"} == set()


@pytest.mark.parametrize("path", MODELS, ids=label)
def test_every_mistake_of_a_model_is_tried(path):
    tried = set(re.findall(r"-D(\w+)", (ROOT / "ci" / "model").read_text()))
    assert switches(path.read_text()) - SIZES <= tried
    assert switches(path.read_text()) - SIZES


def test_the_reader_of_models_sees_names_and_switches():
    assert spoken_of("/* W.load_a slot_take: cas_acq_rel */ other_thing") == {"slot_take", "cas_acq_rel"}
    assert switches("#ifdef A\n#elif defined(B) || defined(C_D)\n#ifndef E\n") == {"A", "B", "C_D", "E"}
