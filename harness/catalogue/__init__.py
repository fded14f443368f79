"""Requirements as data: one TOML file per RFC, the hazards, and their loader."""

from harness.catalogue.loader import DIRECTORY, Catalogue, CatalogueError, load_catalogue
from harness.catalogue.requirements import Requirement, Rfc, Severity, Side, Visibility, source_of

__all__ = [
    "DIRECTORY",
    "Catalogue",
    "CatalogueError",
    "Requirement",
    "Rfc",
    "Severity",
    "Side",
    "Visibility",
    "load_catalogue",
    "source_of",
]
