"""JupyterLab, whose kernel finds the lake by the settings it inherits."""

from __future__ import annotations

from deploy.local.layout import Local
from deploy.local.services import spark
from deploy.local.services.process import Launch
from enginedge.private_files import private_folder

CONFIGURATION = "deploy/jupyter/jupyter_server_config.py"


def prepare(local: Local) -> Launch:
    """Its token is a file that its configuration reads."""
    configuration = local.root / CONFIGURATION
    environment = {
        **spark.application_environment(local),
        "JUPYTER_CONFIG_DIR": str(local.conf("jupyter")),
        "JUPYTER_DATA_DIR": str(private_folder(local.data("jupyter") / "share")),
        "JUPYTER_RUNTIME_DIR": str(private_folder(local.data("jupyter") / "runtime")),
        "IPYTHONDIR": str(private_folder(local.data("jupyter") / "ipython")),
    }
    argv = [f"{local.tools['venv']}/bin/jupyter", "lab", "--config", str(configuration), "--no-browser"]
    return Launch([*argv, "--allow-root"], environment, folder=local.root)


def is_built(local: Local) -> bool:
    return (local.root / CONFIGURATION).exists()
