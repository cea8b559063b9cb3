"""Discovery of plugins, and the names under which their components are known.

from fusion.catalog import catalog

catalog().names("encoder", "video")
catalog().build("transform", {"name": "log_mel", "bands": 64})
"""

from fusion.catalog.components import Catalog, ComponentLike, catalog, engine_catalog, with_plugin_files
from fusion.catalog.discovery import KINDS, PluginState, Registration

__all__ = [
    "KINDS",
    "Catalog",
    "ComponentLike",
    "PluginState",
    "Registration",
    "catalog",
    "engine_catalog",
    "with_plugin_files",
]
