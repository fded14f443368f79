"""mailproof's load profiles for Locust.

    mailproof load smtp-inbound target.toml
    locust -f .../loadtests/locustfile.py --profile smtp-inbound --target target.toml --headless -u 5 -t 10s

Both run the same users with the same verdict as exit code; without `--headless` there is Locust's web
interface.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def _pin(name: str) -> None:
    """Load the package `name` that lies beside this file.

    Locust puts the working directory in front of the path, so a folder of the user's of that name would be
    taken for it.
    """
    folder = Path(__file__).resolve().parent.parent / name
    if name in sys.modules or not (folder / "__init__.py").exists():
        return
    spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _put_working_directory_last() -> None:
    """Let nothing there be taken for a library; what Locust put in front of it, it removes by its place."""
    if len(sys.path) > 1 and sys.path[1] == str(Path.cwd()):
        sys.path.append(sys.path.pop(1))


_put_working_directory_last()
_pin("harness")
_pin("loadtests")

# ruff: noqa: E402, the packages have to be pinned first
from loadtests.users.imap_reader import ImapReaderUser
from loadtests.users.inbound import InboundUser
from loadtests.users.mail_flow import MailFlowUser
from loadtests.users.pop3_collector import Pop3CollectorUser
from loadtests.wiring import Wiring

Wiring([InboundUser, ImapReaderUser, Pop3CollectorUser, MailFlowUser]).connect()
