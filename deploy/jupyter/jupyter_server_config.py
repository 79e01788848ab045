"""JupyterLab for analysts: on loopback, opened by a token that lies in a file, and asking nothing of the internet.

Jupyter runs this file at its start, with ``c`` as its configuration. Kernels inherit the environment that is set here,
so that a notebook finds the lake without a word of configuration.
"""

import os
import shutil
from pathlib import Path

from enginedge.settings import HOST, settings

here = settings()
examples = here.root / "deploy" / "jupyter" / "notebooks"
notebooks = here.state / "notebooks"
notebooks.mkdir(mode=0o700, parents=True, exist_ok=True)
# What belongs to the repository is put there anew at each start; what people write beside it is never touched.
shutil.copytree(examples, notebooks / "examples", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))

os.environ["ENGINEDGE_ROOT"] = str(here.root)
os.environ["ENGINEDGE_STATE"] = str(here.state)
os.environ["ENGINEDGE_SECRETS"] = str(here.secrets)
os.environ["MPLCONFIGDIR"] = str(here.state / "data" / "jupyter" / "matplotlib")
Path(os.environ["MPLCONFIGDIR"]).mkdir(mode=0o700, parents=True, exist_ok=True)

c = get_config()  # noqa: F821 - Jupyter gives it

c.ServerApp.ip = HOST
c.ServerApp.port = here.endpoint("jupyter").port
c.ServerApp.port_retries = 0  # a taken port is an error, not a reason to move elsewhere
c.ServerApp.open_browser = False
c.ServerApp.root_dir = str(notebooks)
c.IdentityProvider.token = here.secret("jupyter-token")

c.LabApp.default_url = "/lab/tree/examples/marts.ipynb"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
c.LabApp.app_settings_dir = str(here.root / "deploy" / "jupyter" / "settings")  # no question whether to fetch news
