"""The language-model routes: one address for every provider, in the clients' own dialects."""

from seawall.gateway.models.door import ModelDoor
from seawall.gateway.models.table import Cheaper, ModelRoute, Models, ModelTarget

__all__ = ["Cheaper", "ModelDoor", "ModelRoute", "ModelTarget", "Models"]
