"""The verbs: every module of this package registers what it defines, and is found by being here."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
