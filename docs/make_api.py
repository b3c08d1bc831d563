"""The library's reference from its docstrings: python docs/make_api.py docs/api (needs the extra `docs`)."""

import importlib
import pkgutil
import sys
import typing
from pathlib import Path

import pdoc

import rate_distortion


def main(folder: str) -> None:
    """Write one page for each module of the library."""
    below = [module.name for module in pkgutil.walk_packages(rate_distortion.__path__, "rate_distortion.")]
    for name in ("rate_distortion", *below):
        module = importlib.import_module(name)
        if hasattr(module, "__all__"):
            # pdoc looks at names that are there already, and at no module that __all__ does not list.
            vars(module).update({public: getattr(module, public) for public in module.__all__})
            inside = [own.rpartition(".")[2] for own in below if own.rpartition(".")[0] == name]
            module.__all__ = [*module.__all__, *(own for own in inside if own not in module.__all__)]
        for named in vars(module).values():
            if isinstance(named, type) and issubclass(named, tuple) and named.__module__ == name:
                # pdoc would look for the types of a named tuple where collections made it.
                named.__new__.__annotations__ = typing.get_type_hints(named)
    pdoc.render.configure(docformat="google", footer_text=f"rate-distortion {rate_distortion.__version__}")
    pdoc.pdoc("rate_distortion", output_directory=Path(folder))


if __name__ == "__main__":
    main(sys.argv[1])
