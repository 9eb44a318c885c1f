"""All techniques, in the order of an update."""

from . import counting, finding, storing, taking
from .technique import Technique

TECHNIQUES: dict[str, Technique] = {
    technique.name: technique for module in (taking, finding, storing, counting) for technique in module.TECHNIQUES
}
